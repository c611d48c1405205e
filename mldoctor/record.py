"""The record of one examination: every fact that was obtained and why the others were not.

The worker observes and fills a record; judging it needs neither torch nor the script, so the same
record gives the same report today, tomorrow and on another machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mldoctor.findings import Run
from mldoctor.registry import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import cattrs


@dataclass(slots=True)
class Record:
    """Facts by type; for facts that could not be had, the reason or the error, by fact name.

    Attributes:
        later: the records of later stages of the same training, in order.
    """

    facts: dict[type, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    crashed: dict[str, str] = field(default_factory=dict)
    run: Run = field(default_factory=Run)
    later: list[Record] = field(default_factory=list)

    def accept(self, message: Mapping[str, Any]) -> None:
        """Take in one message from the worker: a fact, an absence, a crash, or the run so far.

        One about a later stage says which ("later", from 1).
        """
        stage = message.get("later", 0)
        if stage:
            while len(self.later) < stage:
                self.later.append(Record())
            self.later[stage - 1].accept({**message, "later": 0})
            return
        kind, name = message["kind"], message.get("name", "")
        if kind == "fact":
            by_name = {fact.name: fact.kind for fact in facts().values()}
            if name in by_name:
                self.facts[by_name[name]] = converter().structure(message["value"], by_name[name])
        elif kind == "absent":
            self.absent[name] = message["reason"]
        elif kind == "crashed":
            self.crashed[name] = message["error"]
        elif kind == "run":
            self.run = converter().structure(message["value"], Run)

    def ended(self, outcome: str, output_tail: tuple[str, ...] = ()) -> None:
        """Note how the script ended, for a run that did not reach the end of its examination."""
        self.run = replace(self.run, outcome=outcome, output_tail=output_tail)


def fact_message(name: str, value: object) -> dict[str, Any]:
    """One obtained fact as the JSON-ready message that `Record.accept` takes."""
    return {"kind": "fact", "name": name, "value": converter().unstructure(value)}


def as_data(record: Record) -> dict[str, Any]:
    """A record as JSON-ready data: the messages that it was made from."""
    return {
        "messages": [
            *(fact_message(kind.__name__, value) for kind, value in record.facts.items()),
            {"kind": "run", "value": converter().unstructure(record.run)},
        ],
        "absent": dict(record.absent),
        "crashed": dict(record.crashed),
        "later": [as_data(stage) for stage in record.later],
    }


def from_data(data: Mapping[str, Any]) -> Record:
    """The record in such data. Facts that this version does not know are left out.

    Raises:
        ValueError: when a fact has another shape than in this version.
    """
    from cattrs import BaseValidationError

    record = Record(absent=dict(data["absent"]), crashed=dict(data["crashed"]))
    record.later = [from_data(stage) for stage in data.get("later", ())]
    try:
        for message in data["messages"]:
            record.accept(message)
    except BaseValidationError as error:
        raise ValueError(str(error)) from error
    return record


def converter() -> cattrs.Converter:
    """The converter between facts and JSON-ready data."""
    import cattrs.preconf.json

    return cattrs.preconf.json.make_converter()
