"""What a setting may hold, and how it is read from a file, a variable or a flag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mldoctor import sizes
from mldoctor.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting may hold.

    Attributes:
        expected: the allowed values in words, for the message about a wrong one.
        accepts: whether a value of the right type is allowed.
        parse: how text from a variable or `--config` becomes a value.
        schema: the same choice as JSON Schema, for editors that check pyproject.toml.
    """

    expected: str
    accepts: Callable[[Any], bool]
    parse: Callable[[str], Any] = str
    schema: Mapping[str, Any] = field(default_factory=dict)

    def read(self, value: object, key: str, place: str) -> Any:
        """The value as the setting holds it, or an error that names the place and the choice."""
        if not self.accepts(value):
            raise SettingsError(f"{key} ({place}) must be {self.expected}, not {value!r}")
        return tuple(value) if isinstance(value, list) else value

    def read_text(self, text: str, key: str, place: str) -> Any:
        """The same for a value that was written as text."""
        try:
            value = self.parse(text)
        except (KeyError, ValueError) as error:
            message = f"{key} ({place}) must be {self.expected}, not {text!r}"
            raise SettingsError(message) from error
        return self.read(value, key, place)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def choice(*allowed: str) -> Kind:
    """One of the given words."""
    words = ", ".join(map(repr, allowed[:-1])) + f" or {allowed[-1]!r}"
    return Kind(f"one of {words}", allowed.__contains__, schema={"enum": list(allowed)})


def reports(*formats: str) -> Kind:
    """Files to write, each as FORMAT=FILE."""
    words = ", ".join(formats)
    pattern = f"^({'|'.join(formats)})=.+$"

    def accepts(value: object) -> bool:
        return _is_names(value) and all(re.search(pattern, item) for item in cast("Any", value))

    return Kind(
        f"a list of FORMAT=FILE, where FORMAT is one of {words}",
        accepts,
        _split,
        {"type": "array", "items": {"type": "string", "pattern": pattern}},
    )


FLAG = Kind(
    "true or false",
    lambda v: isinstance(v, bool),
    lambda t: _SWITCH[t.lower()],
    {"type": "boolean"},
)
NAMES = Kind("a list of names", _is_names, _split, {"type": "array", "items": {"type": "string"}})
TEXT = Kind("text", lambda v: isinstance(v, str), schema={"type": "string"})
WHOLE = Kind("a whole number", _is_whole, int, {"type": "integer"})
NUMBER = Kind("a number", _is_number, float, {"type": "number"})
POSITIVE = Kind(
    "a number above 0",
    lambda v: _is_number(v) and 0 < v < float("inf"),
    float,
    {"type": "number", "exclusiveMinimum": 0},
)
COUNT = Kind(
    "a whole number of at least 1",
    lambda v: _is_whole(v) and v >= 1,
    int,
    {"type": "integer", "minimum": 1},
)
# numpy and torch.manual_seed agree on this range.
SEED = Kind(
    "a whole number from 0 to 4294967295",
    lambda v: _is_whole(v) and 0 <= v < 2**32,
    int,
    {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
)
DEVICE = Kind(
    "'auto' or a torch device such as 'cpu', 'cuda' or 'cuda:1'",
    lambda v: isinstance(v, str) and re.fullmatch(r"[a-z]+(:\d+)?", v) is not None,
    schema={"type": "string", "pattern": r"^[a-z]+(:\d+)?$"},
)
MEMORY = Kind(
    "'auto' or a size with its unit such as '24GiB' or '80GB'",
    lambda v: isinstance(v, str) and (v == "auto" or sizes.bytes_of(v) is not None),
    schema={"type": "string", "pattern": r"^(auto|\d+(\.\d+)? ?[KkMmGgTt]?[Ii]?[Bb])$"},
)
_OF_DEFAULT = {bool: FLAG, int: WHOLE, float: NUMBER, str: TEXT, tuple: NAMES}


def of_default(default: object) -> Kind:
    """The kind of a probe's option, which its default value shows."""
    return _OF_DEFAULT.get(type(default), Kind("any value", lambda _: True))
