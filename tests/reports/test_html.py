"""The HTML page, read as a browser's parser reads it."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sample_reports as sample

from mldoctor.findings import Curve
from mldoctor.reports import render
from mldoctor.reports._plots import LEVELS, POINTS, ROWS, plot, table

VOID = {"meta", "br", "link"}
SHAPES = {"svg", "g", "path", "rect", "circle", "text", "title", "desc"}


class Page(HTMLParser):
    """Elements, attributes and text; fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("name", sample.EVERY)
def test_one_file_without_network_or_script(name):
    """UX-50: one file, no network, readable without JavaScript, under 5 MB."""
    text = render(sample.EVERY[name], "html")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    for tag, attribute, value in page.attributes:
        assert not attribute.startswith("on"), (tag, attribute)
        if attribute in {"href", "src", "action", "data"}:
            assert value.startswith("#")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert len(text.encode()) < 5_000_000


def test_order():
    """UX-50: verdict; doubts; causes; what is fine; not checked; environment."""
    text = Page(render(sample.PLOTTED, "html")).text
    at = [
        text.index(words)
        for words in (
            "1 error.",
            "What could make this verdict meaningless",
            "6 of 41 probes could not judge this run.",
            "Causes",
            "optimizer = torch.optim.AdamW(trainable, lr=5e-4)",
            "head tensors held by the optimizer 0 of 4 4 of 4",
            "Can the loop memorise 20 samples?",
            "It explains",
            "Build the optimizer after the head.",
            "What else was measured",
            "What is fine",
            "What was not checked",
            "Environment",
            "mldoctor check train.py",
        )
    ]
    assert at == sorted(at)


def test_the_curve_of_a_symptom_stands_with_its_cause():
    curve = replace(sample.CURVES[0], finding="flat-loss")
    text = Page(render(replace(sample.PLOTTED, curves=(curve,)), "html")).text
    assert text.index("Can the loop memorise") < text.index("It explains")
    assert "What else was measured" not in text


def test_dark_light_and_print():
    """UX-50."""
    text = render(sample.CAUSE, "html")
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text


def test_every_finding_has_a_link_and_every_link_a_target():
    """UX-50."""
    page = Page(render(sample.MANY, "html"))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value for _, name, value in page.attributes if name == "href"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert len([i for i in ids if i.startswith(("label", "unscaled", "decayed"))]) == 4


def test_what_scrolls_can_be_reached_by_keyboard():
    """UX-50."""
    text = render(sample.PLOTTED, "html")
    for block in re.findall(r'<(?:pre|div class="source")[^>]*>', text):
        assert 'tabindex="0"' in block


def test_plots_answer_a_question_mark_the_range_and_have_their_numbers():
    """UX-50."""
    text = render(sample.PLOTTED, "html")
    assert text.count("<figcaption>") == len(sample.CURVES)
    drawn = [curve for curve in sample.CURVES if curve.kind != "grid"]
    assert text.count('role="img"') == len(drawn)
    assert text.count("The numbers of this plot") == len(drawn)
    assert "expected up to 0.35" in text
    first = Page(text[text.index("<figure>") : text.index("</figure>") + 9]).text
    assert (
        "The numbers of this plot pass over the set as it is with all parameters trained" in first
    )
    assert "1 0.71 0.7 2 0.7098 0.665" in first


@pytest.mark.parametrize("name", sample.EVERY)
def test_everything_from_the_script_is_escaped(name):
    text = render(sample.EVERY[name], "html")
    assert "<script" not in text
    if name == "nasty":
        page = Page(text)
        assert sample.NASTY_TEXT.split("  ")[0] in page.text
        labels = [value for tag, name, value in page.attributes if name == "aria-label"]
        assert any(sample.NASTY_TEXT in label for label in labels)


def test_characters_beyond_ascii_and_half_pairs():
    text = render(sample.FOREIGN, "html")
    assert "Every label is &#39;größer&#39; as text" in text
    text.encode("utf-8")


def test_a_confusion_matrix_is_a_table_with_its_diagonal_marked():
    """UX-50: readable as it stands, so it needs no second table."""
    text = render(sample.PLOTTED, "html")
    grid = text[text.index("Which classes are confused?") :]
    grid = grid[: grid.index("</figure>")]
    assert "Rows: true class. Columns: predicted class. Expected: everything in the dash" in grid
    cells = re.findall(r'<td style="--share: ([\d.]+)"( class="expected")?>(\d+)</td>', grid)
    assert cells == [
        ("1.00", ' class="expected"', "169"),
        ("0.00", "", "0"),
        ("1.00", "", "87"),
        ("0.00", ' class="expected"', "0"),
    ]


def test_a_plot_is_described_in_words():
    """UX-50: what a picture shows is also said."""
    drawn = plot(sample.CURVES[0], 3)
    assert drawn.key == (
        ("s0", "as it is: 0.71 to 0.68"),
        ("s1", "with all parameters trained: 0.7 to 0.000336"),
        ("expected", "expected up to 0.35"),
    )
    assert 'role="img" aria-labelledby="plot-3-title plot-3-desc"' in drawn.svg
    assert '<title id="plot-3-title">Can the loop memorise 20 samples?' in drawn.svg
    assert "with all parameters trained: 0.7 to 0.000336; expected up to 0.35</desc>" in drawn.svg


def test_the_expected_range_is_drawn():
    """UX-50: as a band behind lines and layers, as a line where bars have to reach."""
    layers = Curve(
        "Q?", "layer", "spread", (("a", (0.5, 2e-5)),), (1e-3, None), "", "line", ("x", "y"), True
    )
    for curve in (sample.CURVES[0], layers):
        assert plot(curve).svg.count('class="series expected"') == 1
    bars = Curve("Q?", "class", "n", (("a", (90.0, 1.0)),), (20.0, None), "", "bars", ("x", "y"))
    assert 'class="major guide line"' in plot(bars).svg
    assert "expected from 20" in plot(bars).key[-1][1]
    assert 'class="major guide line"' not in plot(replace(bars, expected=None)).svg


def test_a_far_border_does_not_dwarf_the_values():
    near = Curve("Q?", "x", "y", (("a", (0.1, 0.2)),), (1e-9, None), "", "line", (), True)
    assert ">1e-05<" not in plot(near).svg
    assert ">0.1<" in plot(near).svg


def test_layers_stand_in_their_order_with_their_names():
    names = tuple(
        f"my_model.distilbert.encoder.layer.{at}.output.dense.weight" for at in range(200)
    )
    values = tuple(float(at + 1) for at in range(200))
    curve = Curve("Q?", "layer", "norm", (("a", values),), None, "", "line", names, True)
    drawn = plot(curve).svg
    shown = re.findall(r"…\S*\.(\d+)\.output", drawn)
    assert len(shown) <= LEVELS + 2
    assert [int(at) for at in shown] == sorted(map(int, shown))
    assert {"0", "199"} <= set(shown)  # the extremes are never left out


def test_it_opens_for_any_curve():
    nan, inf = float("nan"), float("inf")
    for kind in ("line", "bars"):
        for series in (
            (),
            (("a", ()),),
            (("a", (nan,)),),
            (("a", (1.0,)),),
            (("a", (0.0, 0.0)), ("b", (inf, -1.0, 3.0))),
            (("a", (1e30, 1e-30)),),
            (("a", (nan, nan)), ("b", (1.0, 2.0))),
            (("a", ()), ("b", (1.0, 2.0, 3.0))),
            (("a", (-5.0, -5.0)),),
            tuple((f"s{at}", (float(at),)) for at in range(30)),
        ):
            for logarithmic in (True, False):
                for expected in (None, (None, 1.0), (0.0, None), (0.5, 0.7)):
                    for names in ((), ("one", "two", "three")):
                        curve = Curve(
                            "Q?", "x", "y", series, expected, "", kind, names, logarithmic
                        )
                        drawn = plot(curve).svg
                        assert not re.search(r'="[^"]*\b(nan|inf)\b', drawn)
                        Page(drawn)
                        table(curve)


def test_of_the_library_only_shapes_and_text_reach_the_page():
    """UX-50: no script, style, comment or address, and the same text for the same curve."""
    for curve in (*sample.CURVES[:3], *sample.NASTY.curves):
        drawn = plot(curve).svg
        page = Page(drawn)
        assert set(page.tags) <= SHAPES
        assert "<!--" not in drawn
        assert "http" not in drawn
        assert not {name for _, name, _ in page.attributes} & {"style", "href", "onload"}
        assert drawn == plot(curve).svg


def test_names_from_the_script_cannot_leave_the_drawing():
    """Control characters, half pairs and markup in every place of a curve."""
    bad = "</svg><script>alert(1)</script>&#0;\x00\x1b[2J\udce9\ufffe\"onload='x'"
    for kind in ("line", "bars", "grid"):
        curve = Curve(bad, bad, bad, ((bad, (1.0, 2.0)),), None, "", kind, (bad, bad))
        text = render(replace(sample.PLOTTED, curves=(curve,)), "html")
        page = Page(text)
        assert "<script" not in text
        assert "\x00" not in text
        assert not [name for _, name, _ in page.attributes if name.startswith("on")]
        text.encode("utf-8")


def test_the_library_is_imported_for_a_page_with_a_plot_only():
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "import sample_reports as s; from mldoctor.reports import formats, render; "
        "[render(s.PLOTTED, name) for name in formats() if name != 'html']; "
        "render(s.HEALTHY, 'html'); sys.exit('pygal' in sys.modules)"
    )
    folder = str(Path(sample.__file__).parent)
    assert subprocess.run([sys.executable, "-c", code, folder], check=False).returncode == 0


def test_long_curves_are_thinned_and_keep_their_extremes():
    values = [1.0] * 100_000
    values[54_321] = 9.0
    values[70_001] = float("nan")
    curve = Curve("Q?", "x", "y", (("a", tuple(values)),))
    drawn = plot(curve).svg
    assert len(drawn) < 40 * POINTS
    pieces = re.findall(r'<g class="series s0">(.*?)</g>', drawn)[0].count("<path")
    assert pieces == 2  # the gap is still there
    assert ": 1 to 1" in plot(curve).key[0][1]
    heights = [float(y) for y in re.findall(r"[ML ]\d+\.\d (\d+\.\d)", drawn)]
    assert min(heights) < 0.2 * max(heights)  # and so is the peak
    _, rows, left_out = table(curve)
    assert ROWS <= len(rows) <= ROWS + 1
    assert rows[-1][0] == "100,000"
    assert len(rows) + left_out == 100_000


def test_an_incomplete_run_shows_its_last_output():
    text = Page(render(sample.INCOMPLETE, "html")).text
    assert "Nothing was examined: train.py:22 raised RuntimeError." in text
    assert "RuntimeError: no data" in text


def test_what_was_accepted_is_listed():
    text = Page(render(sample.MANY, "html")).text
    assert "padding-waste data.py:8:5 ignore short texts only in this test" in text


def test_a_wrong_finding_can_be_reported():
    """UX-70: the footer says how, with the redacted JSON."""
    text = Page(render(replace(sample.CAUSE, command=sample.COMMAND), "html")).text
    assert text.endswith(
        "Is a finding wrong? Report it with the output of "
        "mldoctor check train.py --redact --output-format json ."
    )


def test_drawing_leaves_no_finder_of_modules_behind():
    code = (
        "import sys; from mldoctor.findings import Curve; from mldoctor.reports._plots import plot;"
        "plot(Curve('q', 'x', 'y', (('a', (1.0, 2.0, 3.0)),)));"
        "sys.exit(any(type(f).__module__ == 'pygal' for f in sys.meta_path))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
