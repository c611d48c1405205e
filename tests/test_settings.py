"""Settings: the order of their sources, and messages about wrong ones."""

import pytest

from mldoctor.configuration import nearest
from mldoctor.errors import SettingsError, UnknownNameError
from mldoctor.settings import Settings, load

pytestmark = pytest.mark.usefixtures("throwaway_probes")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder):
    def write(text):
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")

    return write


def test_without_any_source_the_defaults_hold():
    assert load() == Settings()


def test_flag_before_override_before_variable_before_file(project):
    project("[tool.mldoctor]\nmax-steps = 1\nseed = 1\nbudget = 1\nmax-minutes = 1\n")
    settings = load(
        {"max_steps": 4, "seed": None},
        overrides=["max-steps=3", "seed=3"],
        environ={"MLDOCTOR_MAX_STEPS": "2", "MLDOCTOR_SEED": "2", "MLDOCTOR_BUDGET": "2.5"},
    )
    assert (settings.max_steps, settings.seed) == (4, 3)
    assert (settings.budget, settings.max_minutes) == (2.5, 1)


def test_isolated_ignores_files(project):
    project("[tool.mldoctor]\nmax-steps = 1\n")
    assert load(isolated=True).max_steps == 200
    assert load(isolated=True, environ={"MLDOCTOR_SEED": "5"}).seed == 5


def test_every_kind_from_a_file(project):
    project(
        """
        [tool.mldoctor]
        select = ["model", "flat-loss"]
        fail-on = "warning"
        strict = true
        device = "cuda:1"
        output-format = "json"
        max-minutes = 0.5

        [tool.mldoctor.probes.frozen-head]
        min-updates = 50
        ratio = 1
        """
    )
    settings = load()
    assert settings.select == ("model", "flat-loss")
    assert (settings.fail_on, settings.strict, settings.device) == ("warning", True, "cuda:1")
    assert (settings.output_format, settings.max_minutes) == ("json", 0.5)
    assert settings.probes == {"frozen-head": {"min_updates": 50, "ratio": 1}}


def test_every_kind_from_variables():
    settings = load(
        environ={
            "MLDOCTOR_SELECT": "model, flat-loss",
            "MLDOCTOR_STRICT": "Yes",
            "MLDOCTOR_EXIT_ZERO": "0",
            "MLDOCTOR_SEED": "",
            "MLDOCTOR_COLOR": "never",
            "MLDOCTOR_ISOLATED": "1",
        }
    )
    assert settings.select == ("model", "flat-loss")
    assert (settings.strict, settings.exit_zero, settings.seed) == (True, False, 0)
    assert settings.color == "never"


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("select=model,flat-loss", "select", ("model", "flat-loss")),
        ('select=["model"]', "select", ("model",)),
        ("fail-on=warning", "fail_on", "warning"),
        ("strict=true", "strict", True),
        ("budget = 5", "budget", 5),
        ("probes.frozen-head.min-updates=7", "probes", {"frozen-head": {"min_updates": 7}}),
    ],
)
def test_overrides(override, field, value):
    assert getattr(load(overrides=[override]), field) == value


def test_the_nearest_file_with_a_table_holds(folder, project):
    project("[tool.mldoctor]\nseed = 7\n")
    inner = folder / "package" / "deep"
    inner.mkdir(parents=True)
    (folder / "package" / "pyproject.toml").write_text("[tool.ruff]\n")
    assert nearest(inner).path == folder.resolve() / "pyproject.toml"
    assert load(start=inner).seed == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[project]\nname = 'x'\n\n[tool.mldoctor]\nmax-step = 1\n",
            "unknown key 'max-step' in pyproject.toml:5; did you mean 'max-steps'?",
        ),
        (
            "[tool.mldoctor]\nmax_steps = 1\n",
            "unknown key 'max_steps' in pyproject.toml:2; did you mean 'max-steps'?",
        ),
        (
            '[tool.mldoctor]\nselect = ["frozn-head"]\n',
            (
                "unknown probe or family 'frozn-head' in select (pyproject.toml:2); "
                "did you mean 'frozen-head'?"
            ),
        ),
        (
            "[tool.mldoctor.probes.frozen-hed]\nx = 1\n",
            "unknown probe 'frozen-hed' in pyproject.toml:1; did you mean 'frozen-head'?",
        ),
        (
            "[tool.mldoctor.probes.frozen-head]\nmin-update = 1\n",
            (
                "unknown option of frozen-head 'min-update' in pyproject.toml:2; "
                "did you mean 'min-updates'?"
            ),
        ),
    ],
)
def test_unknown_names_say_where_and_what_was_near(project, text, message):
    project(text)
    with pytest.raises(UnknownNameError) as raised:
        load()
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[tool.mldoctor]\n\nmax-steps = "200"\n',
            "max-steps (pyproject.toml:3) must be a whole number of at least 1, not '200'",
        ),
        (
            "[tool.mldoctor]\nmax-steps = true\n",
            "max-steps (pyproject.toml:2) must be a whole number of at least 1, not True",
        ),
        (
            "[tool.mldoctor]\nbudget = nan\n",
            "budget (pyproject.toml:2) must be a number above 0, not nan",
        ),
        (
            "[tool.mldoctor]\nselect = 'all'\n",
            "select (pyproject.toml:2) must be a list of names, not 'all'",
        ),
        (
            "[tool.mldoctor]\nfail-on = 'never ever'\n",
            (
                "fail-on (pyproject.toml:2) must be one of 'error', 'warning', 'note' or 'never', "
                "not 'never ever'"
            ),
        ),
        (
            "[tool.mldoctor.probes.frozen-head]\nmin-updates = 1.5\n",
            "min-updates (pyproject.toml:2) must be a whole number, not 1.5",
        ),
        (
            "[tool.mldoctor.probes]\nfrozen-head = 3\n",
            "probes.frozen-head (pyproject.toml:2) must be a table of options, not 3",
        ),
        (
            "[tool.mldoctor]\nprobes = 3\n",
            "probes (pyproject.toml:2) must be a table of probe names",
        ),
        ("[tool]\nmldoctor = 3\n", "pyproject.toml: [tool.mldoctor] must be a table, not 3"),
    ],
)
def test_wrong_types_say_where_and_what_was_expected(project, text, message):
    project(text)
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value) == message


@pytest.mark.parametrize("content", [b"[tool.mldoctor\n", b"\xff\xfe[tool]\n"])
def test_a_file_that_is_not_toml(folder, content):
    (folder / "pyproject.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^pyproject\.toml cannot be read as TOML: "):
        load()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"MLDOCTOR_MAX_STEP": "1"},
            "unknown variable 'MLDOCTOR_MAX_STEP'; did you mean 'MLDOCTOR_MAX_STEPS'?",
        ),
        (
            {"MLDOCTOR_MAX_STEPS": "many"},
            "max-steps (MLDOCTOR_MAX_STEPS) must be a whole number of at least 1, not 'many'",
        ),
        (
            {"MLDOCTOR_STRICT": "maybe"},
            "strict (MLDOCTOR_STRICT) must be true or false, not 'maybe'",
        ),
    ],
)
def test_variables_that_cannot_be_used(environ, message):
    with pytest.raises((SettingsError, UnknownNameError)) as raised:
        load(environ=environ)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("max-steps", "--config 'max-steps' must be written key=value"),
        ("max-step=1", "unknown key 'max-step' in --config; did you mean 'max-steps'?"),
        (
            "max-steps=0",
            "max-steps (--config max-steps) must be a whole number of at least 1, not 0",
        ),
        ("probes=1", "--config probes must be written probes.NAME.OPTION=value"),
        (
            "probes.frozen-head.min=1",
            (
                "unknown option of frozen-head 'min' in --config probes.frozen-head.min; "
                "did you mean 'min-updates'?"
            ),
        ),
    ],
)
def test_overrides_that_cannot_be_used(override, message):
    with pytest.raises((SettingsError, UnknownNameError)) as raised:
        load(overrides=[override])
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"seed": -1}, "seed (--seed) must be a whole number from 0 to 4294967295, not -1"),
        (
            {"device": "GPU 1"},
            (
                "device (--device) must be 'auto' or a torch device such as 'cpu', 'cuda' or "
                "'cuda:1', not 'GPU 1'"
            ),
        ),
        (
            {"max_step": 1},
            "unknown setting 'max-step'; did you mean 'max-steps'?",
        ),
        ({"quiet": True, "verbose": True}, "quiet and verbose exclude each other; give one, or"),
    ],
)
def test_flags_that_cannot_be_used(flags, message):
    with pytest.raises((SettingsError, UnknownNameError)) as raised:
        load(flags)
    assert str(raised.value).startswith(message)


def test_probe_options_as_a_flag():
    options = {"frozen-head": {"min-updates": 5}}
    assert load({"probes": options}).probes == {"frozen-head": {"min_updates": 5}}
