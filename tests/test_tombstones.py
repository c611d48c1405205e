"""Names that are gone: what a user who still has them is told."""

import json
import sys

import pytest

from mldoctor import cli, tombstones
from mldoctor.errors import RegistrationError, UnknownNameError
from mldoctor.findings import Severity
from mldoctor.registry import probe, probes, select
from mldoctor.suppression.own import OWN
from mldoctor.tombstones import TOMBSTONES, Tombstone

GONE = Tombstone("lazy-head", "0.3.0", ("frozen-head",), "both found the same fault")


@pytest.fixture
def gone(monkeypatch):
    monkeypatch.setattr(tombstones, "TOMBSTONES", (GONE,))


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["mldoctor", *arguments])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return (exited.value.code, *capsys.readouterr())

    return call


def test_explain_prints_the_tombstone_of_a_removed_name(run, gone):
    """UX-35: since when, replaced by what."""
    assert run("explain", "lazy-head") == (
        0,
        (
            "lazy-head\nRemoved in 0.3.0, replaced by frozen-head: both found the same fault.\n\n"
            "Read: mldoctor explain frozen-head\n"
        ),
        "",
    )
    markdown = run("explain", "lazy-head", "--output-format", "markdown")[1]
    assert markdown.startswith("# lazy-head\n\nRemoved in 0.3.0")
    data = json.loads(run("explain", "lazy-head", "--output-format", "json")[1])
    assert data == {
        "status": "removed",
        "name": "lazy-head",
        "since": "0.3.0",
        "replaced_by": ["frozen-head"],
        "reason": "both found the same fault",
    }


def test_a_name_without_tombstone_is_unknown(run):
    """UX-35: exits 2 and names the nearest one."""
    code, out, err = run("explain", "frozen-hed")
    assert (code, out) == (2, "")
    assert err == "mldoctor: unknown probe 'frozen-hed'; did you mean 'frozen-head'?\n"


def test_settings_that_name_it_say_what_replaced_it(gone):
    """UX-06, UX-12."""
    with pytest.raises(UnknownNameError) as raised:
        select(("lazy-head",), ())
    assert str(raised.value) == (
        "probe or family 'lazy-head' was removed in 0.3.0, replaced by frozen-head: "
        "both found the same fault"
    )


def test_a_name_is_never_used_again(gone):
    def lazy_head():
        yield

    with pytest.raises(RegistrationError, match="names are not reused"):
        probe("lazy-head", Severity.NOTE)(lazy_head)


def test_every_tombstone_leads_to_names_that_exist():
    known = {**probes(), **OWN}
    for one in TOMBSTONES:
        assert one.name not in known
        assert set(one.replaced_by) <= set(known)
        assert one.reason
        assert not one.reason.endswith(".")
