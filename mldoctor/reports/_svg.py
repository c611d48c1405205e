"""What is taken over from pygal: shapes and text, as inline SVG, and nothing else.

pygal draws for pages with scripts and styles of their own. Of its tree only what is named here is
copied, so that no script, style or address can reach the report; colours and dashes come from the
page's style sheet.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from mldoctor.reports._paint import clean

COLOURS = 6
"""Colours and dashes of the style sheet, after which they begin anew."""

_TAGS = {"svg", "g", "path", "rect", "circle", "text"}
_ATTRIBUTES = {"viewBox", "class", "d", "x", "y", "width", "height", "cx", "cy", "r", "transform"}
_UNWANTED = {"background", "tooltip-overlay"}
_DECIMALS = re.compile(r"\d+\.\d+")


def inline(drawn: Any, series: int, place: int, title: str, description: str) -> str:
    """The drawing with a title and a description for those who cannot see it.

    Args:
        drawn: the tree that pygal made.
        series: how many of its series are the curve's; the one after them is the expected range.
        place: its number on the page, which keeps its title apart from the others.
        title: what it shows.
        description: what each line or bar is.
    """
    root = _kept(drawn, series)
    told = (("title", title), ("desc", description))
    for at, (tag, words) in enumerate(told):
        element = ET.Element(tag, id=f"plot-{place}-{tag}")
        element.text = safe(words)
        root.insert(at, element)
    root.set("role", "img")
    root.set("aria-labelledby", " ".join(f"plot-{place}-{tag}" for tag, _ in told))
    return ET.tostring(root, encoding="unicode")


def safe(text: str) -> str:
    """Text that any XML library takes: no control characters, half pairs or non-characters."""
    text = clean(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return re.sub("[\ufffe\uffff]", "", text)


def _kept(element: Any, series: int) -> ET.Element:
    """A copy with the tags and attributes that are known, classes of the style sheet, one decimal.

    The series after the last one of the curve is the expected range.
    """
    kept = ET.Element(str(element.tag).rpartition("}")[2])
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES and value:
            shown = _classes(value, series) if name == "class" else _rounded(value)
            kept.set(name, shown)
    kept.text = element.text if kept.tag == "text" else None
    for child in element:
        if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] not in _TAGS:
            continue
        if _UNWANTED.isdisjoint(child.attrib.get("class", "").split()):
            copy = _kept(child, series)
            if len(copy) or copy.tag != "g":
                kept.append(copy)
    return kept


def _classes(value: str, series: int) -> str:
    found = re.search(r"serie-(\d+)", value)
    if found is None:
        return " ".join(value.split())
    at = int(found[1])
    return "series " + ("expected" if at == series else f"s{at % COLOURS}")


def _rounded(value: str) -> str:
    return _DECIMALS.sub(lambda found: f"{float(found[0]):.1f}", value)
