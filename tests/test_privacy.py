"""What a report that leaves the machine does not tell."""

import getpass
import platform
from dataclasses import replace
from pathlib import Path

import pytest
import sample_reports as sample

from mldoctor.findings import Curve, Evidence, Finding, Location, Report, Run, Severity, Skipped
from mldoctor.privacy import redacted, without_samples
from mldoctor.reports import Look, formats, render

HOME, CWD = str(Path.home()), str(Path.cwd())
USER, HOST = getpass.getuser(), platform.node()
ENVIRON = {"API_TOKEN": "s3cret-t0ken-value", "DATA": "/mnt/vault/patients", "TERM": "xterm-256c"}
SECRETS = (
    f"{HOME}/data.csv {CWD}/src/a.py /mnt/other/deep/b.py C:\\Users\\bob\\c.py by {USER} on {HOST} "
    "with s3cret-t0ken-value in /mnt/vault/patients"
)
FORBIDDEN = (
    "s3cret-t0ken-value",
    "/mnt/",
    "Users\\bob",
    CWD,
    "patients",
    "a raw sample",
    "hunter2",
)

REPORT = Report(
    target="train.py",
    verdict="findings",
    findings=(
        Finding(
            SECRETS,
            name="frozen-head",
            family="model",
            severity=Severity.ERROR,
            location=Location("/mnt/other/deep/b.py", 1, 1, SECRETS),
            evidence=(
                Evidence(SECRETS, SECRETS, SECRETS),
                Evidence("first sample", "a raw sample", "", sample=True),
            ),
            subject=SECRETS,
            remedy=sample.Remedy(SECRETS, diff=SECRETS),
            fingerprint="0123456789abcdef:1",
        ),
    ),
    not_checked=(Skipped("flat-loss", SECRETS),),
    run=Run(
        updates=3,
        outcome=f"train.py:3 raised ValueError: no a raw sample in {SECRETS}",
        output_tail=("a raw sample", "and another"),
        device="cpu",
    ),
    command=("mldoctor", "check", "train.py", "--", "--password", "hunter2", "--key=hunter2"),
    versions=sample.VERSIONS,
    sources={"/mnt/other/deep/b.py": f"x = 1  # {SECRETS}\n"},
    curves=(Curve(SECRETS, SECRETS, SECRETS, ((SECRETS, (1.0,)),)),),
)


@pytest.mark.parametrize("output_format", formats())
def test_no_format_tells(output_format):
    """UX-51."""
    text = render(
        redacted(REPORT, ENVIRON),
        output_format,
        Look(verbose=True, show_skipped=True, show_suppressed=True),
    )
    words = [word for word in (*FORBIDDEN, HOST) if word and word in text]
    if USER not in "x = 1 mldoctor":
        words += [USER] if f" {USER} " in text else []
    assert words == []


@pytest.mark.parametrize("output_format", formats())
def test_that_test_can_fail(output_format):
    text = render(REPORT, output_format, Look(verbose=True))
    assert "s3cret-t0ken-value" in text


def test_what_stays():
    """Names, figures, files and lines are what a report of a wrong finding needs."""
    shown = redacted(REPORT, ENVIRON)
    (finding,) = shown.findings
    assert (finding.name, finding.fingerprint) == ("frozen-head", "0123456789abcdef:1")
    assert finding.location.path == "<path>/b.py"
    assert finding.message == (
        "~/data.csv src/a.py <path>/b.py <path>/c.py by <user> on <host> with <$API_TOKEN> in "
        "<$DATA>"
    ).replace("~/", "" if CWD.startswith(HOME) and HOME == CWD else "~/")
    assert shown.run.outcome == "train.py:3 raised ValueError"
    assert shown.run.output_tail == ("(2 lines left out)",)
    assert shown.command == (
        *("mldoctor", "check", "train.py", "--", "--password", "<value>", "--key=<value>"),
    )
    assert shown.target == "train.py"
    assert "<path>/b.py" in shown.sources


@pytest.mark.parametrize("name", sample.EVERY)
def test_a_report_without_secrets_keeps_its_figures(name):
    report = replace(
        sample.EVERY[name], run=replace(sample.EVERY[name].run, output_tail=(), outcome="")
    )
    report = replace(report, command=sample.COMMAND)
    if name != "nasty":  # its paths and texts look like paths and variables on purpose
        assert redacted(report, {}) == report


@pytest.mark.parametrize(
    "text", ["169 / 87", "3.5 / 360", "1/2", "a/b", "and/or", "x://y/z", "</b>"]
)
def test_what_is_no_path(text):
    report = replace(sample.HEALTHY, run=replace(sample.RUN, headline=text))
    assert redacted(report, {}).run.headline == text


def test_training_data_is_shown_only_on_demand():
    """UX-51: never raw training examples unless --include-examples."""
    (finding,) = without_samples(REPORT).findings
    assert finding.evidence[0].measured == SECRETS
    assert finding.evidence[1].measured == "(training data; --include-examples shows it)"
