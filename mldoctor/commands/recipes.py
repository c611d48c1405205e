"""`mldoctor recipes`: reference training scripts to read, run and copy."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer

from mldoctor.commands._output import write
from mldoctor.commands.probes import ListFormat
from mldoctor.errors import OutputError, UnknownNameError

CHORES = "kit"
"""The folder that the recipes share; a copied recipe takes it along."""

recipes = typer.Typer(
    name="recipes", no_args_is_help=False, add_completion=False, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A recipe, as the list names it.")]


def folder() -> Path:
    """Where the recipes lie: inside the installed package, or beside it in a source checkout."""
    package = Path(__file__).parents[1]
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def known() -> dict[str, Path]:
    """The script of every recipe, by name."""
    return {path.stem: path for path in sorted(folder().glob("*.py"))}


def script(name: str) -> Path:
    """The script of one recipe; `lstm-text` and `lstm_text.py` mean `lstm_text`."""
    found, wanted = known(), name.removesuffix(".py").replace("-", "_")
    if wanted not in found:
        raise UnknownNameError("recipe", name, found)
    return found[wanted]


@recipes.callback(invoke_without_command=True)
def listing(
    ctx: typer.Context,
    *,
    output_format: Annotated[
        ListFormat, typer.Option(help="The form of the list.")
    ] = ListFormat.TEXT,
) -> None:
    """List the recipes, or show, run or copy one.

    The scores are those of the test split of real data: mean and standard deviation over seeds.

    \b
    Examples:
      mldoctor recipes
      mldoctor recipes show lstm_text
      mldoctor recipes run lstm_text -- --data reviews.csv --epochs 5
      mldoctor recipes copy lstm_text my_project
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    if ctx.invoked_subcommand is not None:
        return
    results = folder() / "results.json"
    kept = json.loads(results.read_text("utf-8")) if results.exists() else {}
    rows = [_row(name, path, kept.get(name)) for name, path in known().items()]
    if output_format is ListFormat.JSON:
        write(json.dumps(rows, indent=2) + "\n")
    else:
        wide = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            write(f"{row['name']:<{wide}}  {row['about']}\n")
            if row["result"]:
                write(f"{'':<{wide}}  {row['result']}\n")


@recipes.command(short_help="Print the script of a recipe.")
def show(name: Name) -> None:
    """Print the script of a recipe.

    \b
    Example:
      mldoctor recipes show lstm_text
    """  # noqa: D301 - as above
    write(script(name).read_text("utf-8"))


@recipes.command(short_help="Run a recipe.")
def run(
    name: Name,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- ARGUMENTS", help="What the recipe is given; --help lists it."),
    ] = None,
) -> None:
    """Run a recipe, on its embedded data or on a file of yours; it writes runs/NAME.

    \b
    Examples:
      mldoctor recipes run lstm_text
      mldoctor recipes run lstm_text -- --data reviews.csv --text-column body
    """  # noqa: D301 - as above
    command = [sys.executable, str(script(name)), *(arguments or ())]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our script


@recipes.command(short_help="Copy a recipe into a folder, to change it.")
def copy(
    name: Name,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is missing.")],
) -> None:
    """Copy a recipe and the chores it shares with the others; nothing is overwritten.

    \b
    Example:
      mldoctor recipes copy lstm_text my_project
    """  # noqa: D301 - as above
    source = script(name)
    target, chores = directory / source.name, directory / CHORES
    if target.exists():
        raise OutputError(f"{target} exists already; it is left as it is")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        if not chores.exists():  # there from another recipe, perhaps changed since
            shutil.copytree(
                source.parent / CHORES, chores, ignore=shutil.ignore_patterns("__pycache__")
            )
    except OSError as error:
        raise OutputError(f"{directory} cannot be written: {error.strerror}") from error
    write(f"{target}\n{chores}\n")


def _row(name: str, path: Path, kept: dict[str, Any] | None) -> dict[str, Any]:
    about = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return {
        "name": name,
        "about": about.splitlines()[0],
        "result": _told(kept) if kept else "",
        "measured": kept,
    }


def _told(kept: dict[str, Any]) -> str:
    """One line on what was measured: score, baseline, best constant answer, time."""
    runs = list(kept["seeds"].values())
    metric = runs[0]["metric"].replace("_", " ")
    parts = [f"{metric} {_spread(runs, 'score')} on {kept['data']}"]
    others = ((kept["baseline"], "baseline"), ("constant answer", "constant"))
    parts += [f"{name} {_spread(runs, key)}" for name, key in others if runs[0][key] is not None]
    return f"{'; '.join(parts)}; {mean(run['cpu_seconds'] for run in runs):.0f} s on one core"


def _spread(runs: list[dict[str, Any]], key: str) -> str:
    values = [run[key] for run in runs]
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
