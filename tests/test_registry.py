"""How probes and facts are declared, refused, found and selected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import throwaway

from mldoctor import registry
from mldoctor.errors import RegistrationError, UnknownNameError
from mldoctor.findings import Finding, Severity
from mldoctor.registry import Cost, fact, needed_facts, probe, select

pytestmark = pytest.mark.usefixtures("throwaway_probes")


def declared(judge, name="some-probe"):
    probe(name, Severity.ERROR)(judge)


def test_what_is_known_about_a_probe(throwaway_probes):
    known = throwaway_probes["frozen-head"]
    assert (known.family, known.package) == ("model", "mldoctor")
    assert known.needs == (throwaway.Heads,)
    assert known.options == {"min_updates": 3, "ratio": 0.5}
    assert known.page.startswith("The layer that makes the predictions")


def test_findings_carry_their_probe(throwaway_probes):
    facts = {throwaway.Heads: throwaway.Heads(3), throwaway.Curve: throwaway.Curve((1.0,))}
    assert throwaway_probes["frozen-head"].findings(facts, {}) == ()
    (found,) = throwaway_probes["frozen-head"].findings(facts, {"min_updates": 4})
    assert (found.name, found.family, found.severity) == ("frozen-head", "model", Severity.ERROR)
    (found,) = throwaway_probes["flat-loss"].findings(facts, {})
    assert (found.severity, found.symptom) == (Severity.WARNING, True)  # the milder one it chose


def test_a_name_that_is_not_kebab_case():
    with pytest.raises(RegistrationError, match=r"'Some_Probe' .* is not kebab-case"):
        declared(throwaway.flat_loss, "Some_Probe")


def test_a_function_that_yields_nothing():
    def judge(heads: throwaway.Heads) -> list[Finding]:
        return []

    with pytest.raises(RegistrationError, match="'some-probe' must be a generator function"):
        declared(judge)


def test_a_parameter_without_a_type():
    def judge(heads) -> Iterator[Finding]:
        yield Finding("m")

    with pytest.raises(RegistrationError, match=r"parameter 'heads' of .*judge has no type"):
        declared(judge)


def test_a_name_that_is_taken():
    def judge(heads: throwaway.Heads) -> Iterator[Finding]:
        yield Finding("m")

    with pytest.raises(RegistrationError, match=r"'frozen-head' is declared in .* and "):
        declared(judge, "frozen-head")


def test_a_fact_that_is_no_value():
    def obtain() -> int:
        return 1

    with pytest.raises(RegistrationError, match="'obtain' must return a frozen dataclass"):
        fact(Cost.TAPE)(obtain)


def test_probes_stand_in_the_order_of_families_and_names(throwaway_probes):
    assert list(throwaway_probes) == ["flat-loss", "broken-probe", "frozen-head"]


@pytest.mark.parametrize(
    ("chosen", "ignored", "left"),
    [
        (("all",), (), {"flat-loss", "broken-probe", "frozen-head"}),
        (("all",), ("model",), {"flat-loss", "broken-probe"}),
        (("model", "flat-loss"), (), {"flat-loss", "frozen-head"}),
        (("model",), ("frozen-head",), set()),
        (("frozen-head",), ("model",), {"frozen-head"}),
        ((), (), set()),
    ],
)
def test_select(chosen, ignored, left):
    assert set(select(chosen, ignored)) == left


@pytest.mark.parametrize("place", [0, 1])
def test_unknown_names_offer_the_nearest(place):
    chosen = [("all",), ()]
    chosen[place] = ("learnin",)
    with pytest.raises(UnknownNameError, match=r"unknown probe or family 'learnin'; did you mean"):
        select(*chosen)


def test_facts_behind_facts_are_needed_cheapest_first(throwaway_probes):
    chosen = {"flat-loss": throwaway_probes["flat-loss"]}
    assert [f.name for f in needed_facts(chosen).values()] == ["Heads", "Curve"]


class TestRealProbes:
    """What holds for whatever the package brings."""

    @pytest.fixture(autouse=True)
    def _real(self, monkeypatch):
        monkeypatch.undo()

    def test_walking_the_package_imports_no_torch(self):
        import subprocess
        import sys

        code = (
            "import sys; from mldoctor.registry import probes; probes(); print(sorted(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert b"'torch'" not in done.stdout
        assert b"'mldoctor.probes.model" in done.stdout

    def test_every_probe_is_in_the_folder_of_its_family(self):
        for name, known in registry.probes().items():
            assert known.judge.__module__.endswith(
                f"{known.family.replace('-', '_')}.{name.replace('-', '_')}"
            )
