"""Markdown for pull requests and step summaries."""

import json
import re
from dataclasses import replace

import pytest
import sample_reports as sample
from markdown_it import MarkdownIt

from mldoctor.errors import SettingsError
from mldoctor.findings import Evidence, Finding, Location, Run, Severity
from mldoctor.reports import Look, formats, render
from mldoctor.reports._changes import read_base
from mldoctor.reports.markdown import LIMIT, code, document, fence, prose


def stamped(report):
    findings = tuple(
        replace(f, fingerprint=f"{f.name}:{at}") for at, f in enumerate(report.findings)
    )
    return replace(report, findings=findings)


def as_base(report):
    return json.loads(render(stamped(report), "json"))


def test_exact_text():
    """UX-48: verdict first, a row for each cause, the rest folded, a hidden marker."""
    report = replace(sample.CAUSE, not_checked=sample.NOT_CHECKED[:1], sources={"train.py": ""})
    assert render(report, "markdown") == (
        "**1 error.** `train.py`, 120 optimizer steps, 3.7 s, cpu, seed 1.\n"
        "\n"
        "| | cause | where | what was seen |\n"
        "|---|---|---|---|\n"
        "| error | `frozen-head` | `train.py:13` | the classification head never changes during "
        "training; explains `single-class-collapse`, `flat-loss` |\n"
        "\n"
        "### What could make this verdict meaningless\n"
        "\n"
        "- 1 of 36 probes could not judge this run.\n"
        "\n"
        "<details>\n"
        "<summary>error[frozen-head]: the classification head never changes during training"
        "</summary>\n"
        "\n"
        "```text\n"
        " --> train.py:13:1\n"
        "```\n"
        "\n"
        "| evidence | measured | expected |\n"
        "|---|---|---|\n"
        "| head tensors held by the optimizer | 0 of 4 | 4 of 4 |\n"
        "| largest head update in 120 steps | 0, exactly | above 0 |\n"
        "| head gradient norm, step 1 / 120 | 3.5 / 360 | cleared every step |\n"
        "\n"
        "It explains:\n"
        "\n"
        "- `single-class-collapse`: every prediction is class 0; predicted as class 0: 256 of 256 "
        "(expected 169 of 256)\n"
        "- `flat-loss`: the loss does not fall; loss, first to last 20 steps: 0.706 to 0.712\n"
        "\n"
        "Remedy: build the optimizer after the head.\n"
        "\n"
        "```diff\n"
        "-trainable = old\n"
        " model.classifier = nn.Linear(64, 2)\n"
        "+trainable = new\n"
        "```\n"
        "\n"
        "Not verified (about 19 s: add --verify).\n"
        "\n"
        "Read: `mldoctor explain frozen-head`\n"
        "\n"
        "</details>\n"
        "\n"
        "<details>\n"
        "<summary>Not checked: 1 of 36</summary>\n"
        "\n"
        "- `split-overlap`: batches carry no example ids; add --track-examples\n"
        "\n"
        "</details>\n"
        "\n"
        "mldoctor 0.1.0. Is a finding wrong? Report it with the output of "
        "`mldoctor check train.py --redact --output-format json`.\n"
        "\n"
        "<!-- mldoctor:train.py -->\n"
    )


def test_a_clean_run():
    first = render(sample.HEALTHY, "markdown").splitlines()[0]
    assert first == (
        "**No findings.** `train.py`, 120 optimizer steps, 3.7 s, cpu, seed 1. "
        "Loss 0.515 to 0.007; predictions 169 / 87, labels 169 / 87."
    )


def test_an_incomplete_run_is_not_taken_for_health():
    text = render(sample.INCOMPLETE, "markdown")
    assert text.startswith("**Nothing was examined: train.py:22 raised RuntimeError.** `train.py`")
    assert "RuntimeError: no data" in text


@pytest.mark.parametrize("name", sample.EVERY)
def test_headings_start_at_level_three(name):
    """UX-48."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(
        render(sample.EVERY[name], "markdown")
    )
    assert {t.tag for t in tokens if t.type == "heading_open"} <= {"h3", "h4"}


@pytest.mark.parametrize("name", sample.EVERY)
def test_a_marker_that_an_action_finds(name):
    """UX-48."""
    last = render(sample.EVERY[name], "markdown").splitlines()[-1]
    assert re.fullmatch(r"<!-- mldoctor:[^<>]+ -->", last)


def test_what_changed_since_the_base():
    """UX-48: new, fixed and unchanged findings."""
    base = as_base(replace(sample.CAUSE, passed=()))
    now = replace(stamped(sample.MANY), passed=("frozen-head",))
    text = render(now, "markdown", Look(base=base))
    assert text.splitlines()[0].startswith("**4 new, 1 fixed, 0 unchanged. 2 errors, 1 warning, 1 ")
    assert "| error (new) | `label-out-of-range` |" in text
    assert "Fixed: `frozen-head`." in text


def test_a_fault_that_was_not_looked_for_again_is_not_fixed():
    base = as_base(sample.CAUSE)
    now = replace(sample.HEALTHY, passed=("other",))
    text = render(now, "markdown", Look(base=base))
    assert text.startswith("**0 new, 0 fixed, 0 unchanged, 1 not checked again. No findings.**")


def test_nothing_when_nothing_changed():
    """UX-48: empty when nothing changed; a run that could not be examined is never nothing."""
    base = as_base(sample.CAUSE)
    assert render(stamped(sample.CAUSE), "markdown", Look(base=base)) == ""
    stopped = replace(stamped(sample.CAUSE), run=replace(sample.RUN, outcome="interrupted"))
    assert "unchanged" in render(stopped, "markdown", Look(base=base))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--compare base.json cannot be read: No such file or directory"),
        ("{", "--compare base.json is not JSON: "),
        ("[]", "--compare base.json is no report of schema version 1; write it with --report json"),
        ('{"schema_version": 2, "findings": []}', "--compare base.json is no report of schema "),
        ('{"schema_version": 1, "findings": [3]}', "--compare base.json is no report of schema "),
    ],
)
def test_a_base_that_is_none(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "base.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as raised:
        read_base(path)
    assert str(raised.value).startswith(message)


def many(count, size=200):
    rows = tuple(Evidence(f"row {at}", "x" * size, "y") for at in range(10))
    findings = tuple(
        Finding(
            f"fault {at}",
            name="frozen-head",
            family="model",
            severity=Severity.ERROR,
            evidence=rows,
            location=Location("train.py", at),
        )
        for at in range(1, count + 1)
    )
    return replace(sample.CAUSE, findings=findings)


@pytest.mark.parametrize(
    ("count", "said"), [(100, "Details of the last "), (2000, " left out for")]
)
def test_it_stays_below_the_size_of_a_comment(count, said):
    """UX-48: under 60 kB, the least important findings give way first, and it says so."""
    text = render(many(count), "markdown")
    assert 0.8 * LIMIT < len(text.encode()) <= LIMIT
    assert said in text
    assert "fault 1 |" in text
    assert text.endswith("<!-- mldoctor:train.py -->\n")
    assert text.count("<details>") == text.count("</details>")


def test_a_size_that_is_not_due_to_findings():
    report = replace(
        sample.INCOMPLETE, run=Run(outcome="x" * 10_000, output_tail=("y" * 9000,) * 20)
    )
    text = render(report, "markdown")
    assert len(text.encode()) <= LIMIT
    assert text.endswith("The rest is left out for size.\n")


def test_a_summary_may_be_longer():
    assert len(document(many(100), Look(), 1024 * 1024)) > LIMIT


def text_of(tokens):
    for token in tokens:
        yield token
        yield from text_of(token.children or [])


@pytest.mark.parametrize("name", sample.EVERY)
def test_nothing_breaks_out(name):
    """Pipes, backticks, tags, mentions and links from outside stay text."""
    text = render(sample.EVERY[name], "markdown")
    tokens = list(text_of(MarkdownIt("gfm-like", {"linkify": False}).parse(text)))
    kinds = {token.type for token in tokens}
    assert "link_open" not in kinds
    assert "image" not in kinds
    pieces = [t.content for t in tokens if t.type in {"html_block", "html_inline"}]
    for piece in pieces:
        assert re.fullmatch(
            r"(<details>\n<summary>[^<>]*</summary>|</details>|<!-- [^<>]* -->)\s*", piece
        )
    outside = [t.content for t in tokens if t.type == "text"]
    assert not [content for content in outside if re.search(r"@\w", content)]
    rows = [t for t in tokens if t.type == "tr_open"]
    cells = [t for t in tokens if t.type in {"td_open", "th_open"}]
    assert len(cells) in {3 * len(rows), *(4 * n + 3 * (len(rows) - n) for n in range(99))}


def test_pieces():
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a`") == "`` `a` ``"
    assert code("a|b", table=True) == r"`a\|b`"
    assert code("") == "` `"
    assert prose("a_b*c|d<e>@f `g`") == "a\\_b\\*c\\|d&lt;e&gt;@\u200bf \\`g\\`"
    assert fence("```\n````x") == "`````text\n```\n````x\n`````"


def test_the_formats():
    """UX-09."""
    assert formats() == (
        *("concise", "full", "github", "html", "json", "junit", "markdown", "sarif"),
    )
