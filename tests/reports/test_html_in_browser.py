"""The page in a real browser, where there is one: drawn, in both colour schemes, and printed."""

import shutil
import struct
import subprocess
import zlib

import pytest
import sample_reports as sample

from mldoctor.reports import render

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"),
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")


@pytest.fixture
def browse(tmp_path):
    def call(report, *flags):
        page = tmp_path / "report.html"
        page.write_text(render(report, "html"), encoding="utf-8")
        profile = tmp_path / "profile"
        done = subprocess.run(
            [BROWSER, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()],
            capture_output=True,
            timeout=120,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace")

    return call


def pixels(path):
    """Width, height and the rows of a PNG of 8-bit RGB or RGBA, unfiltered."""
    data = path.read_bytes()
    wide, high, _, kind = struct.unpack(">IIBB", data[16:26])
    depth = {2: 3, 6: 4}[kind]
    body, at = b"", 8
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if name == b"IDAT":
            body += data[at + 8 : at + 8 + size]
        at += size + 12
    raw = zlib.decompress(body)
    rows, previous = [], bytearray(wide * depth)
    for row in range(high):
        start = row * (wide * depth + 1)
        rows.append(
            _unfiltered(raw[start], raw[start + 1 : start + 1 + wide * depth], previous, depth)
        )
        previous = rows[-1]
    return wide, high, rows, depth


def _unfiltered(kind, line, above, depth):
    out = bytearray(line)
    for i, value in enumerate(line):
        left = out[i - depth] if i >= depth else 0
        up, corner = above[i], above[i - depth] if i >= depth else 0
        near = min((left, up, corner), key=lambda c: abs(left + up - corner - c))
        out[i] = (value + (0, left, up, (left + up) // 2, near)[kind]) & 255
    return out


def background(path):
    _, _, rows, _ = pixels(path)
    return tuple(rows[2][:3])


def test_it_is_drawn_in_light_and_dark(browse, tmp_path):
    """UX-50: dark and light, in a real browser."""
    shots = {}
    for name, flags in {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}.items():
        shots[name] = tmp_path / f"{name}.png"
        browse(sample.PLOTTED, "--window-size=600,900", f"--screenshot={shots[name]}", *flags)
    assert min(background(shots["light"])) > 240
    assert sum(background(shots["dark"])) < 150
    _, _, rows, depth = pixels(shots["light"])
    colours = {bytes(row[x : x + 3]) for row in rows[::3] for x in range(0, len(row), depth * 3)}
    assert len(colours) > 50  # text and plots, not an empty page


def test_the_script_in_a_report_does_not_run(browse):
    dom = browse(sample.NASTY, "--dump-dom")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in dom
    assert "<script" not in dom


def test_the_browser_keeps_the_page_as_it_was_written(browse):
    """A parser that repairs nested elements would have moved them."""
    dom = browse(sample.PLOTTED, "--dump-dom")
    written = render(sample.PLOTTED, "html")
    for tag in ("<article", "<svg", "<figure", "<table", "<li", "<mark", "<section"):
        assert dom.count(tag) == written.count(tag)


def test_it_prints(browse, tmp_path):
    """UX-50: prints well."""
    path = tmp_path / "report.pdf"
    browse(sample.PLOTTED, f"--print-to-pdf={path}", "--no-pdf-header-footer")
    assert path.read_bytes().startswith(b"%PDF")
