"""The contract that every probe keeps."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest
from examination import examine

from mldoctor.explain import SECTIONS, parse
from mldoctor.registry import NAME, facts, needed_facts, probes

PROBES = probes()
names = pytest.mark.parametrize("name", PROBES)


@names
def test_the_page_has_every_section_and_names_real_options(name):
    """UX-31."""
    probe = PROBES[name]
    page = parse(probe.page)
    assert tuple(page.sections) == SECTIONS
    assert all(text.strip() for text in page.sections.values())
    for option in probe.options:
        assert f"`{option}`" in probe.page, f"the page of {name} does not explain {option}"


@names
def test_the_name_matches_file_and_family(name):
    probe = PROBES[name]
    assert NAME.fullmatch(name)
    module = probe.judge.__module__
    if probe.package == "mldoctor":
        assert module == f"mldoctor.probes.{probe.family}.{name.replace('-', '_')}"


@names
def test_it_needs_known_facts_and_nothing_but_facts(name):
    assert set(PROBES[name].needs) <= set(facts())


@names
def test_its_code_neither_imports_torch_nor_prints(name):
    source = inspect.getsource(inspect.getmodule(PROBES[name].judge)).split(chr(34) * 3)[-1]
    assert "import torch" not in source
    assert "print(" not in source


@pytest.mark.examination
@names
def test_the_example_fires_this_probe_alone(name, tmp_path):
    """UX-32."""
    report = _examined(name, "Example", tmp_path)
    assert not report.crashed
    mine = [f for f in report.findings if f.name == name]
    assert mine, f"nothing but {[f.name for f in report.findings]}; {report.not_checked}"
    causes = {
        f.name
        for f in report.findings
        if not f.symptom and not f.explained_by and f.severity != "note"
    }
    if not PROBES[name].symptom:  # a symptom has causes, which may be named too
        assert causes <= {name}
    for finding in mine:
        assert finding.location is not None
        assert finding.evidence
        assert len(finding.message) < 80
        assert not finding.message.endswith(".")
        first = finding.message.split()[0]
        assert first.islower() or not first.isalpha() or first in report_names(report)
        assert not re.search(r"\b(may|might|seems|should)\b", finding.message)
        assert finding.remedy is not None
        assert finding.remedy.advice


@names
def test_the_sound_script_is_quiet(name, tmp_path):
    report = _examined(name, "Use instead", tmp_path)
    assert [f for f in report.findings if f.severity != "note"] == []
    assert not report.crashed


def test_importing_every_probe_and_fact_imports_no_torch():
    code = (
        "import sys; from mldoctor.registry import probes, facts; probes(); facts(); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_needs_of_a_fact_come_before_it():
    order = list(needed_facts(PROBES))
    for kind, fact in needed_facts(PROBES).items():
        for need in fact.needs:
            if need in order:
                assert order.index(need) < order.index(kind)


_REPORTS = {}


def _examined(name, section, tmp_path):
    """The report on a script of the page; the many pages with the same sound script share one."""
    code = parse(PROBES[name].page).code(section)
    if section == "Example" or code not in _REPORTS:
        script = tmp_path / "train.py"
        script.write_text(code)
        _REPORTS[code] = examine(script)
    return _REPORTS[code]


def report_names(report):
    """Names of the script's own that a message may begin with: classes and numbers."""
    return {*report.run.captured.optimizers, *(m.split(":")[0] for m in report.run.captured.models)}
