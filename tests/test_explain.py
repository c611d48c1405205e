"""Pages of probes."""

import json
from textwrap import dedent

import pytest

from mldoctor.errors import RegistrationError
from mldoctor.explain import SECTIONS, as_data, as_markdown, as_text, parse
from mldoctor.reports import Look


@pytest.fixture
def frozen_head(throwaway_probes):
    return throwaway_probes["frozen-head"]


def test_sections_in_their_order(frozen_head):
    page = parse(frozen_head.page)
    assert page.summary == "The layer that makes the predictions never changes during training."
    assert tuple(page.sections) == SECTIONS
    assert page.sections["Why it matters"] == "The model cannot learn its task."


def test_a_heading_inside_code_is_code(frozen_head):
    page = parse(frozen_head.page)
    assert page.code("Example") == (
        "import torch\n\n## no heading\nfor _ in range(3):\n    torch.zeros(1)\n"
    )
    assert page.code("Use instead") == 'print("train it")\n'
    assert page.code("References") == ""


@pytest.mark.parametrize(
    "names",
    [("Example", "What it finds"), ("What it finds", "What it finds"), ("What it does",)],
)
def test_other_sections_are_refused(names):
    with pytest.raises(RegistrationError, match="in this order; found " + ", ".join(names)):
        parse("\n".join(f"## {name}\nx" for name in names))


def test_a_page_without_sections_is_its_summary():
    assert parse("Only this.").summary == "Only this."
    assert parse("").summary == ""


def test_data(frozen_head):
    """UX-31."""
    data = json.loads(json.dumps(as_data(frozen_head)))
    assert list(data["sections"]) == list(SECTIONS)
    assert data["options"] == {"min-updates": 3, "ratio": 0.5}
    assert (data["kind"], data["cost"], data["needs"]) == ("cause", "recorded", ["Heads"])
    assert data["source"].split(":")[1].isdigit()


def test_markdown(frozen_head):
    """UX-31."""
    text = as_markdown(frozen_head)
    assert text.startswith("# frozen-head\n\nThe layer that makes")
    assert "\n- options: min-updates = 3, ratio = 0.5\n" in text
    assert "\n\n## Example\n\n```python\nimport torch\n" in text
    assert text.endswith("## References\n\nNone.\n")


def test_text_for_a_terminal(frozen_head):
    text = as_text(frozen_head, Look(width=60))
    start, rest = text.split("source    ")
    assert start == dedent("""\
        frozen-head
        The layer that makes the predictions never changes during
        training.

        family    model
        severity  error
        kind      cause
        status    stable, since 0.1.0
        needs     Heads
        cost      recorded
        explains  flat-loss
        options   min-updates = 3, ratio = 0.5
        """)
    assert rest.split("\n", 1)[1] == dedent("""\

        What it finds
        -------------
        A head that no optimizer moves, looked at over `min-updates`
        updates, which is a sentence that is long enough to be
        wrapped.

        - its tensors are compared
        - to the last bit

        Why it matters
        --------------
        The model cannot learn its task.

        Example
        -------
        import torch

        ## no heading
        for _ in range(3):
            torch.zeros(1)

        Use instead
        -----------
        print("train it")

        How it is measured
        ------------------
        By looking.

        When it is wrong
        ----------------
        Never.

        References
        ----------
        None.
        """)


def test_in_a_pipe_lines_stay_as_written(frozen_head):
    text = as_text(frozen_head, Look())
    assert "updates, which is a sentence that\nis long enough to be wrapped.\n" in text


def test_the_example_of_the_printed_page_runs_as_it_is_copied(frozen_head):
    """UX-32."""
    text = as_text(frozen_head, Look(width=80))
    code = text.split("Use instead\n-----------\n")[1].split("\nHow it is")[0]
    compile(code, "copied.py", "exec")
