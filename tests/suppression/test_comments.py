"""Ignores in comments: every way to write one, and what it covers."""

import pytest

from mldoctor.suppression.comments import ignores


def read(text):
    return [(i.names, i.reason, i.first, i.last) for i in ignores("train.py", text)]


@pytest.mark.parametrize(
    ("comment", "names", "reason"),
    [
        ("# mldoctor: ignore[frozen-head] linear probe", ("frozen-head",), "linear probe"),
        ("#mldoctor: ignore[frozen-head] linear probe", ("frozen-head",), "linear probe"),
        ("#  mldoctor:ignore [frozen-head]  linear probe ", ("frozen-head",), "linear probe"),
        ("## mldoctor: ignore[frozen-head] - linear probe", ("frozen-head",), "linear probe"),
        ("# mldoctor: ignore[frozen-head]: linear probe", ("frozen-head",), "linear probe"),
        ("# mldoctor: ignore[frozen-head]", ("frozen-head",), ""),
        ("# mldoctor: ignore[a, b,c] both", ("a", "b", "c"), "both"),
        ("# mldoctor: ignore[ a , ] x", ("a",), "x"),
        ("# mldoctor: ignore[a] see [1] and #2", ("a",), "see [1] and #2"),
        ("# mldoctor: ignore[größe-x] größer", ("größe-x",), "größer"),
        ("# mldoctor: ignore", (), ""),
        ("# mldoctor: ignore[] why", (), "why"),
        ("# mldoctor: ignore frozen-head", (), "frozen-head"),
    ],
)
def test_spellings(comment, names, reason):
    """UX-39."""
    assert read(f"x = 1  {comment}\n") == [(names, reason, 1, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # noqa: mldoctor\n",
        "x = 1  # see mldoctor: ignore[a]\n",
        "x = 1  # mldoctor ignore[a]\n",
        "x = 1  # mldoctor: ignored[a]\n",
        "x = 1  # MLDOCTOR: ignore[a]\n",
        "x = '# mldoctor: ignore[a]'\n",
        '"""\n# mldoctor: ignore[a]\n"""\n',
        "",
    ],
)
def test_what_is_no_ignore(text):
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = 1  # mldoctor: ignore[a]\ny = 2\n", (1, 1)),
        ("# mldoctor: ignore[a]\nx = 1\ny = 2\n", (2, 2)),
        ("# mldoctor: ignore[a]\n\n# more\nx = f(\n    1,\n)\ny = 2\n", (4, 6)),
        ("x = f(\n    1,  # mldoctor: ignore[a]\n)\n", (1, 3)),
        ("x = f(\n    # mldoctor: ignore[a]\n    1,\n)\n", (1, 4)),
        ("x = f(\n    1,\n)  # mldoctor: ignore[a]\n", (1, 3)),
        ("x = 1 + \\\n    2  # mldoctor: ignore[a]\n", (1, 2)),
        ("for b in l:  # mldoctor: ignore[a]\n    f(b)\n", (1, 1)),
        ("for b in l:\n    # mldoctor: ignore[a]\n    f(b)\n", (3, 3)),
        ("def f(\n    a,\n):  # mldoctor: ignore[a]\n    return a\n", (1, 3)),
        ("if x:\n    f()\n# mldoctor: ignore[a]\nelse:\n    g()\n", (4, 4)),
        ("x = 1\n# mldoctor: ignore[a]\n", (2, 2)),
        ("@d\n# mldoctor: ignore[a]\ndef f(): pass\n", (3, 3)),
        ("# mldoctor: file-ignore[a]\nx = 1\n", (0, 0)),
        ("x = 1  # mldoctor: file-ignore[a]\n", (0, 0)),
    ],
)
def test_what_it_covers(text, lines):
    """UX-39: its statement, or the one below a comment on its own line."""
    ((_, _, first, last),) = read(text)
    assert (first, last) == lines


def test_several_of_a_file():
    text = (
        "# mldoctor: ignore[a] one\n# mldoctor: ignore[b] two\nx = 1  # mldoctor: ignore[c] three\n"
    )
    assert [(n, f) for n, _, f, _ in read(text)] == [(("a",), 3), (("b",), 3), (("c",), 3)]


@pytest.mark.parametrize(
    "text",
    ["x = (  # mldoctor: ignore[a]\n", "  x = 1\n y = 2  # mldoctor: ignore[a]\n", "x = '\n"],
)
def test_a_file_that_python_cannot_run(text):
    ignores("train.py", text)


def test_a_file_ignore_covers_every_line():
    (ignore,) = ignores("train.py", "# mldoctor: file-ignore[a]\n")
    assert ignore.covers(1)
    assert ignore.covers(999)
