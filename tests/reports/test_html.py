"""The HTML page, read as a browser's parser reads it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import sample_reports as sample

from mldoctor.findings import Curve
from mldoctor.reports import render
from mldoctor.reports._plots import POINTS, ROWS, svg, table
from mldoctor.reports._scales import scale

VOID = {"meta", "br", "link", "rect", "line", "circle", "polyline"}


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
    assert text.count("<svg ") == text.count("<figcaption>") == 4
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
    assert "every label is &#39;größer&#39; as text" in text
    text.encode("utf-8")


def test_it_opens_for_any_curve():
    nan, inf = float("nan"), float("inf")
    for kind in ("line", "bars", "grid"):
        for series in (
            (),
            (("a", ()),),
            (("a", (nan,)),),
            (("a", (1.0,)),),
            (("a", (0.0, 0.0)), ("b", (inf, -1.0, 3.0))),
            tuple((f"s{at}", (float(at),)) for at in range(30)),
        ):
            for logarithmic in (True, False):
                for expected in (None, (None, 1.0), (0.0, None), (0.5, 0.7)):
                    curve = Curve("Q?", "x", "y", series, expected, "", kind, (), logarithmic)
                    drawn = svg(curve)
                    assert "nan" not in drawn
                    assert "inf" not in drawn.replace("no finite", "")
                    table(curve)


def test_long_curves_are_thinned_and_keep_their_extremes():
    values = [1.0] * 100_000
    values[54_321] = 9.0
    values[70_001] = float("nan")
    curve = Curve("Q?", "x", "y", (("a", tuple(values)),))
    drawn = svg(curve)
    assert len(drawn) < 40 * POINTS
    assert drawn.count("<polyline") == 2  # the gap is still there
    top = scale([1.0, 9.0], 248, 16).at(9.0)
    assert f",{top:.1f} " in drawn
    _, rows, left_out = table(curve)
    assert ROWS <= len(rows) <= ROWS + 1
    assert rows[-1][0] == "100,000"
    assert len(rows) + left_out == 100_000


def test_scales():
    assert scale([0.2, 0.9], 0, 1).ticks() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert scale([3.0, 900.0], 0, 1, logarithmic=True).ticks() == [1, 10, 100, 1000]
    assert scale([5.0, 5.0], 0, 1).low < 5 < scale([5.0, 5.0], 0, 1).high
    assert not scale([1.0], 0, 1, logarithmic=True).shows(0.0)


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
