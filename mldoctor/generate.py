"""Write the files that are generated from the code: `python -m mldoctor.generate`."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from mldoctor.settings import Settings, key_of, kinds

SETTINGS_SCHEMA = Path(__file__).with_name("settings.schema.json")
SETTINGS_PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
_BLOCK = re.compile(r"(<!-- settings: [^>]* -->\n).*?(<!-- end -->)", re.DOTALL)

_TEXTS = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
_TABLES = {
    "accept": _TEXTS,
    "per-file-ignores": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
    "probes": {"type": "object", "additionalProperties": {"type": "object"}},
}
_ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<text>.+(?:\n        .+)*)", re.MULTILINE)


def settings_schema() -> dict[str, Any]:
    """The JSON Schema of `[tool.mldoctor]`, for editors that check pyproject.toml."""
    said = {
        key_of(match["name"]): " ".join(match["text"].split())
        for match in _ATTRIBUTE.finditer(inspect.getdoc(Settings) or "")
    }
    default = Settings()
    kinds_of = kinds()
    properties = {}
    for setting in sorted(fields(Settings), key=lambda setting: setting.name):
        key = key_of(setting.name)
        value = getattr(default, setting.name)
        of_kind = _TABLES[key] if key in _TABLES else dict(kinds_of[key].schema)
        shown = list(value) if isinstance(value, tuple) else value
        properties[key] = {"description": said[key], **of_kind, "default": shown}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "[tool.mldoctor]",
        "description": "Settings of mldoctor in pyproject.toml.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def settings_table() -> str:
    """The settings as a Markdown table: key, what it holds by default, what it means."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for key, setting in settings_schema()["properties"].items():
        meaning = setting["description"].replace("|", r"\|")
        lines.append(f"| `{key}` | `{json.dumps(setting['default'])}` | {meaning} |")
    return "\n".join(lines) + "\n"


def with_settings(page: str) -> str:
    """A page of the documentation with the current table of settings."""
    return _BLOCK.sub(lambda found: f"{found[1]}{settings_table()}{found[2]}", page)


def text_of(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    SETTINGS_SCHEMA.write_text(text_of(settings_schema()), encoding="utf-8")
    SETTINGS_PAGE.write_text(
        with_settings(SETTINGS_PAGE.read_text(encoding="utf-8")), encoding="utf-8"
    )
