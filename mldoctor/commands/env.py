"""`mldoctor env`: what a report of a problem should say about the machine and the settings."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from mldoctor.commands._output import write
from mldoctor.commands.probes import ListFormat


def env(
    *,
    short: Annotated[
        bool, typer.Option("--short", help="Versions only; fast, does not import torch.")
    ] = False,
    output_format: Annotated[ListFormat, typer.Option(help="The form.")] = ListFormat.TEXT,
) -> None:
    """Print versions, devices, settings and plugins, ready for an issue.

    User names, host names and absolute paths are left out.

    \b
    Examples:
      mldoctor env
      mldoctor env --short
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    from mldoctor import versions

    data: dict[str, Any] = {
        "versions": versions.every(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if not short:
        data |= {
            "processors": os.cpu_count(),
            "devices": _devices(),
            "configuration": _configuration(),
            "plugins": _plugins(),
        }
    if output_format is ListFormat.JSON:
        write(json.dumps(data, indent=2) + "\n")
    else:
        write(_text(data))


def _devices() -> list[str]:
    import torch

    found = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def _configuration() -> dict[str, Any]:
    """The file in use and the settings that differ from the defaults."""
    from mldoctor.configuration import nearest
    from mldoctor.settings import Settings, load

    file = nearest(Path.cwd()).path
    chosen, default = asdict(load()), asdict(Settings())
    changed = {key: value for key, value in chosen.items() if value != default[key]}
    if Path(changed.get("output", "")).is_absolute():
        changed["output"] = Path(changed["output"]).name
    return {
        "file": os.path.relpath(file) if file else None,
        "settings": {key.replace("_", "-"): value for key, value in changed.items()},
    }


def _plugins() -> list[str]:
    """Packages that bring further probes."""
    found = entry_points(group="mldoctor.probes")
    return sorted({f"{e.dist.name} {e.dist.version}" if e.dist else e.name for e in found})


def _text(data: dict[str, Any]) -> str:
    rows = {**data["versions"], "system": data["system"]}
    if "devices" in data:
        rows["processors"] = str(data["processors"])
        rows["devices"] = ", ".join(data["devices"])
        rows["configuration"] = data["configuration"]["file"] or "none"
        rows |= {f"  {k}": json.dumps(v) for k, v in data["configuration"]["settings"].items()}
        rows["plugins"] = ", ".join(data["plugins"]) or "none"
    wide = max(map(len, rows))
    return "".join(f"{name:<{wide}}  {value}\n" for name, value in rows.items())
