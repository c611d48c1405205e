"""Every flag has a key and a variable."""

import inspect
from dataclasses import fields

import pytest

from mldoctor.commands import baseline, check, report
from mldoctor.commands._options import as_flags
from mldoctor.errors import SettingsError, UnknownNameError
from mldoctor.settings import Settings, key_of, load
from mldoctor.tables import TABLES

NO_FLAG = {"probes", "accept", "per_file_ignores"}
NO_SETTING = {"ctx", "target", "file", "module", "isolated", "config"}


@pytest.mark.parametrize(
    "command", [check.check, report.report, baseline.baseline], ids=lambda c: c.__name__
)
def test_every_flag_is_a_setting(command):
    """UX-11."""
    names = {n.replace("report_file", "report") for n in inspect.signature(command).parameters}
    assert names - NO_SETTING <= {field.name for field in fields(Settings)}


def test_every_setting_is_a_flag():
    """UX-11."""
    names = {n.replace("report_file", "report") for n in inspect.signature(check.check).parameters}
    assert {field.name for field in fields(Settings)} - NO_FLAG == names - NO_SETTING


def test_every_setting_has_a_variable():
    """UX-11."""
    for field in fields(Settings):
        if field.name in NO_FLAG:
            continue
        texts = {"bool": "1", "int": "3", "float": "2.5", "str": "note"}
        value = texts.get(field.type, "junit=a.xml" if field.name == "report" else "model")
        value = {
            "device": "cpu",
            "output_format": "json",
            "color": "never",
            "memory_limit": "24GiB",
        }.get(field.name, value)
        settings = load(environ={f"MLDOCTOR_{field.name.upper()}": value}, isolated=True)
        assert getattr(settings, field.name) != field.default, field.name


def test_flags_that_were_not_given_are_no_settings():
    flags = as_flags(
        {"ctx": 1, "target": "a", "select": ["a,b", "c"], "report_file": [], "seed": 1}
    )
    assert flags == {"select": ["a", "b", "c"], "report": None, "seed": 1}


@pytest.fixture
def project(tmp_path, monkeypatch, throwaway_probes):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    return write


def test_tables_from_every_source(project):
    """UX-40."""
    project(
        '[tool.mldoctor.accept]\nfrozen-head = "an ablation"\n'
        '[tool.mldoctor.per-file-ignores]\n"examples/*" = ["all"]\n'
    )
    settings = load(
        {"accept": {"flat-loss": "short"}},
        overrides=['per-file-ignores."a*.py"=model,loop', "accept.broken-probe=a reason"],
    )
    assert settings.accept == {
        "frozen-head": "an ablation",
        "flat-loss": "short",
        "broken-probe": "a reason",
    }
    assert settings.per_file_ignores == {"examples/*": ("all",), "a*.py": ("model", "loop")}
    assert set(TABLES) == {key_of(name) for name in NO_FLAG}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[tool.mldoctor.accept]\nfrozn-head = "x"\n',
            "unknown probe 'frozn-head' in pyproject.toml:2; did you mean 'frozen-head'?",
        ),
        (
            '[tool.mldoctor.accept]\nfrozen-head = ""\n',
            "accept.frozen-head (pyproject.toml:2) must be a reason, not ''",
        ),
        (
            "[tool.mldoctor]\naccept = ['frozen-head']\n",
            "accept (pyproject.toml:2) must be a table of entries",
        ),
        (
            '[tool.mldoctor.per-file-ignores]\n"*" = "all"\n',
            "per-file-ignores.* (pyproject.toml:2) must be a list of names, not 'all'",
        ),
        (
            '[tool.mldoctor.per-file-ignores]\n"*" = ["modl"]\n',
            "unknown probe or family 'modl' in per-file-ignores.* (pyproject.toml:2); did you ",
        ),
        (
            '[tool.mldoctor]\nreport = ["sarf=a"]\n',
            "report (pyproject.toml:2) must be a list of FORMAT=FILE, where FORMAT is one of ",
        ),
    ],
)
def test_wrong_tables_say_where(project, text, message):
    """UX-12."""
    project(text)
    with pytest.raises((SettingsError, UnknownNameError)) as raised:
        load()
    assert str(raised.value).startswith(message)
