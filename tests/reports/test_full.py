"""The report for a terminal, as exact text."""

from dataclasses import replace
from textwrap import dedent

import pytest
import sample_reports as sample

from mldoctor.findings import Evidence, Finding, Location, Severity
from mldoctor.reports import Look, render
from mldoctor.reports import _wording as wording


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text(sample.TRAIN, encoding="utf-8")
    (tmp_path / "モデル").mkdir()
    (tmp_path / "モデル" / "訓練.py").write_text(sample.FOREIGN_SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def full(report, **look):
    return render(report, "full", Look(**look))


def test_a_clean_run_is_three_lines():
    """UX-28."""
    assert full(sample.HEALTHY) == dedent("""\
        mldoctor 0.1.0  train.py  120 optimizer steps  3.7 s  cpu  seed 1
        No findings. 35 probes ran, 6 not checked (--show-skipped).
        Loss 0.515 to 0.007; predictions 169 / 87, labels 169 / 87.
        """)


def test_a_cause_with_its_source_evidence_symptoms_and_remedy():
    """UX-17, UX-20, UX-23."""
    assert full(sample.CAUSE) == dedent("""\
        mldoctor 0.1.0  train.py  120 optimizer steps  3.7 s  cpu  seed 1

        error[frozen-head]: the classification head never changes during training
          --> train.py:13:1
           |
        11 | optimizer = torch.optim.AdamW(trainable, lr=5e-4)
           |             ------------------------------------- holds the tensors of the old head
        12 |
        13 | model.pre_classifier = nn.Linear(64, 64)
           | ^^^^^^^^^^^^^^^^^^^^ head replaced here, after the optimizer was built
        14 | model.classifier = nn.Linear(64, 2)
           |
           evidence                              measured    expected
             head tensors held by the optimizer  0 of 4      4 of 4
             largest head update in 120 steps    0, exactly  above 0
             head gradient norm, step 1 / 120    3.5 / 360   cleared every step
           explains
             single-class-collapse  every prediction is class 0
                                    predicted as class 0: 256 of 256 (expected 169 of 256)
             flat-loss              the loss does not fall
                                    loss, first to last 20 steps: 0.706 to 0.712
           remedy: build the optimizer after the head
             -trainable = old
              model.classifier = nn.Linear(64, 2)
             +trainable = new
           not verified (about 19 s: add --verify)

        Not checked: 6 of 41 probes
          split-overlap          batches carry no example ids; add --track-examples
          unsafe-half-precision  nothing ran under autocast
          tiny-batch-norm        no batch normalisation in the model
          exhausted-schedule     no scheduler was stepped
          2 more                 mldoctor check train.py --show-skipped

        1 error (2 symptoms folded in), 32 probes found nothing, 6 not checked.
        Apply: mldoctor check train.py --fix
        Read: mldoctor explain frozen-head
        """)


def test_many_findings_count_probes_so_that_the_sum_holds():
    """UX-21, UX-22, UX-27."""
    assert full(sample.MANY, show_suppressed=True) == dedent("""\
        mldoctor 0.1.0  train.py  120 optimizer steps  3.7 s  cpu  seed 1

        error[label-out-of-range]: label 5 has no output
         --> gone.py:3:1
           evidence   measured  expected
             outputs  3         at least 7

        error[label-out-of-range]: label 6 has no output
         --> gone.py:3:1
           evidence   measured  expected
             outputs  3         at least 7

        warning[unscaled-input]: inputs range from 0 to 255
           remedy: divide the images by 255
             see recipe cnn
           verified: 3 of 3 seeds, 120 steps each, unchanged script against patched script; \
loss on the fixed samples 0.712 to 0.807 became 0.006 to 0.007

        note[decayed-norms]: weight decay acts on normalisation gains
           fix did not help: the finding stayed

        Suppressed: 1
          padding-waste  data.py:8:5: short texts only in this test

        2 errors, 1 warning, 1 note from 3 probes, 1 probe found nothing, 1 suppressed.
        Read: mldoctor explain label-out-of-range
        """)


def test_a_run_that_failed_shows_its_last_output_without_control_characters():
    assert full(sample.INCOMPLETE) == dedent("""\
        mldoctor 0.1.0  train.py  stopped before the first optimizer step
        Nothing was examined: train.py:22 raised RuntimeError. Last 3 lines of its output follow.
          epoch 1
          100%|####|
          RuntimeError: no data
        """)


def test_an_interrupted_run_shows_what_was_seen():
    assert full(sample.STOPPED) == dedent("""\
        mldoctor 0.1.0  train.py  7 optimizer steps  1 min 15 s  cpu  seed 0
        Incomplete: interrupted by Ctrl-C.

        error[single-class-collapse]: every prediction is class 0
          --> train.py:13:1
           |
        13 | model.pre_classifier = nn.Linear(64, 64)
           | ^^^^^^^^^^^^^^^^^^^^
        14 | model.classifier = nn.Linear(64, 2)
           |
           evidence                measured    expected
             predicted as class 0  256 of 256  169 of 256
             batches seen          8

        Not checked: 1 of 3 probes
          flat-loss  the examination ended before it

        1 error, 1 probe found nothing, 1 not checked.
        Read: mldoctor explain single-class-collapse
        """)


def test_a_crashed_probe_is_never_left_out():
    """UX-26."""
    assert full(sample.CRASHED) == dedent("""\
        mldoctor 0.1.0  train.py  120 optimizer steps  3.7 s  cpu  seed 1

        Not checked: 2 of 4 probes (1 crashed)
          temporal-collapse  crashed: ZeroDivisionError: division by zero
          tiny-batch-norm    no batch normalisation in the model

        No findings. 2 probes ran, 2 not checked (1 crashed).
        Loss 0.515 to 0.007; predictions 169 / 87, labels 169 / 87.
        """)


def test_other_alphabets_tabs_and_escapes():
    assert full(sample.FOREIGN) == (
        "mldoctor 0.1.0  モデル/訓練.py  1 optimizer step  unknown time  cpu  unseeded\n"
        "\n"
        "error[single-class-labels]: every label is 'größer' as text\n"
        " --> モデル/訓練.py:2:17\n"
        "  |\n"
        "1 | def main():\n"
        "2 | \t日本 = 'größer'; labels = torch.zeros(4)\n"
        "  | \t                 ^^^^^^ der Beschriftungs-Tensor\n"
        "3 | \treturn labels\n"
        "  |\n"
        "   evidence                    measured  expected\n"
        "     Klasse 大きい             100 %     ≤ 99 %\n"
        "     half a pair \udce9 and escape  1\n"
        "\n"
        "1 error, 1 probe found nothing.\n"
        "Read: mldoctor explain single-class-labels\n"
    )


def test_a_narrow_terminal_wraps_at_spaces_and_loses_nothing():
    text = full(sample.CAUSE, width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.startswith(
        "mldoctor 0.1.0  train.py  120 optimizer steps  3.7 s  cpu\n"
        "seed 1\n"
        "\n"
        "error[frozen-head]: the classification head never changes\n"
        "  during training\n"
        "  --> train.py:13:1\n"
        "   |\n"
        "11 | optimizer = torch.optim.AdamW(trainable, lr=5e-4)\n"
        "   |             -------------------------------------\n"
        "   | holds the tensors of the old head\n"
    )
    assert (
        "   evidence                   measured    expected\n"
        "     head tensors held by     0 of 4      4 of 4\n"
        "       the optimizer\n"
    ) in text


@pytest.mark.parametrize("name", sample.EVERY)
def test_eighty_columns_hold_every_report(name):
    """UX-16."""
    for line in full(sample.EVERY[name], width=80, show_skipped=True).splitlines():
        assert len(line) <= 80, line


def test_values_too_wide_for_a_table_are_stacked():
    finding = Finding(
        name="x",
        severity=Severity.NOTE,
        message="m",
        evidence=(Evidence("rows", "one two three four five six seven", "a b c d e f g h i"),),
    )
    text = full(replace(sample.HEALTHY, verdict="findings", findings=(finding,)), width=60)
    assert (
        "   evidence\n"
        "     rows\n"
        "       measured  one two three four five six seven\n"
        "       expected  a b c d e f g h i\n"
    ) in text


def test_quiet_prints_findings_only():
    """UX-08."""
    assert full(sample.HEALTHY, quiet=True) == ""
    assert full(sample.INCOMPLETE, quiet=True) == ""
    text = full(sample.MANY, quiet=True)
    assert text.startswith("error[label-out-of-range]: label 5 has no output\n")
    assert text.endswith("fix did not help: the finding stayed\n")


def test_every_skipped_probe_on_request():
    """UX-08, UX-26."""
    text = full(sample.HEALTHY, show_skipped=True)
    assert "  batch-averaged-metric  no evaluation loop was seen\n" in text
    assert "more" not in text


def test_verbose_adds_what_ran_and_all_evidence_of_symptoms():
    """UX-08."""
    text = full(sample.CAUSE, verbose=True)
    assert "Found nothing: 32 of 41 probes\n  probe-0" in text
    assert "predicted as class 0: 256 of 256 (expected 169 of 256)\n" in text
    assert "batches seen: 8\n" in text


def test_colour_adds_escapes_and_changes_no_character():
    import re

    painted = full(sample.CAUSE, color=True)
    assert "\x1b[1;31merror[frozen-head]\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == full(sample.CAUSE)
    assert "\x1b" not in full(sample.CAUSE)


def excerpt(tmp_path, source, *places):
    (tmp_path / "code.py").write_bytes(source)
    first, *rest = (Location("code.py", *place) for place in places)
    also = rest[0] if rest else None
    finding = Finding(name="x", severity=Severity.ERROR, message="m", location=first, also=also)
    text = full(replace(sample.HEALTHY, findings=(finding,)), quiet=True)
    return text.split("m\n", 1)[1]


def test_two_places_far_apart_leave_a_gap(tmp_path):
    source = "".join(f"x{i} = {i}\n" for i in range(1, 21)).encode()
    assert excerpt(tmp_path, source, (18, 1, "here"), (2, 6, "there")) == (
        "  --> code.py:18:1\n"
        "   |\n"
        " 2 | x2 = 2\n"
        "   |      - there\n"
        " 3 | x3 = 3\n"
        "...\n"
        "17 | x17 = 17\n"
        "18 | x18 = 18\n"
        "   | ^^^ here\n"
        "19 | x19 = 19\n"
        "   |\n"
    )


def test_a_second_place_in_another_file(tmp_path):
    (tmp_path / "other.py").write_text("y = 2\n")
    (tmp_path / "code.py").write_text("x = 1\n")
    finding = Finding(
        name="x",
        severity=Severity.ERROR,
        message="m",
        location=Location("code.py", 1),
        also=Location("other.py", 1, 1, "there"),
    )
    text = full(replace(sample.HEALTHY, findings=(finding,)), quiet=True)
    assert text.split("m\n", 1)[1] == (
        " --> code.py:1:1\n  |\n1 | x = 1\n  | ^\n  |\n"
        " ::: other.py:1:1\n  |\n1 | y = 2\n  | - there\n  |\n"
    )


@pytest.mark.parametrize(
    ("source", "place", "marked"),
    [
        (b"    loss.backward()  # why\n", (1,), "    ^^^^^^^^^^^^^^^"),  # not parseable: indented
        (b"if x:\n    loss.backward()  # why\n", (2,), "    ^^^^^^^^^^^^^^^"),
        (b"for x in loader:  # why\n    pass\n", (1,), "^^^^^^^^^^^^^^^^"),
        (b"f(\n  1,\n)\n", (1,), "^^"),
        (b"x = 1\n", (1, 99), "    ^"),
        (b"\xef\xbb\xbfx = 1\r\n", (1,), "^"),
        (b"# coding: latin-1\nx = '\xe9'\n", (2, 5), "    ^^^"),
    ],
)
def test_what_is_marked(tmp_path, source, place, marked):
    lines = excerpt(tmp_path, source, place).splitlines()
    assert f"  | {marked}" in lines, lines


@pytest.mark.parametrize("source", [b"", b"\xff\xfe\x00", b"# coding: none-such\nx\n"])
def test_source_that_cannot_be_read_leaves_the_place(tmp_path, source):
    assert excerpt(tmp_path, source, (7, 3)) == " --> code.py:7:3\n"


def test_at_most_six_source_lines(tmp_path):
    source = "".join(f"x{i} = {i}\n" for i in range(30)).encode()
    for low in range(1, 9):
        text = excerpt(tmp_path, source, (9, 1), (low, 1))
        assert sum(" = " in line for line in text.splitlines()) <= 6


def test_no_finding_vanishes_because_its_cause_is_not_shown():
    findings = (
        replace(sample.FROZEN_HEAD, explained_by="flat-loss"),
        replace(sample.FLAT, explained_by="frozen-head"),
        replace(sample.COLLAPSE, explained_by="stale-optimizer"),
    )
    text = full(replace(sample.CAUSE, findings=findings))
    for finding in findings:
        assert f"\nerror[{finding.name}]: {finding.message}\n" in text
    assert "\n3 errors, 32 probes found nothing, 6 not checked.\n" in text


def test_suggested_commands_leave_out_where_reports_went():
    """What is suggested is short enough to be read, and keeps what decides the examination."""
    command = (
        *("mldoctor", "check", "train.py", "--report", "html=a b.html", "--report=json=x.json"),
        *("--max-steps", "50", "-v", "--save-record", "run.json", "--output-format", "full"),
        *("--", "--output", "runs"),
    )
    assert wording.again(command, "--fix") == (
        "mldoctor check train.py --max-steps 50 --fix -- --output runs"
    )
    shown = render(replace(sample.CAUSE, command=command), "full")
    assert "html=" not in shown
