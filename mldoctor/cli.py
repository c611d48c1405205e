"""The command line: commands are assembled here; errors become messages and exit codes."""

from __future__ import annotations

import sys
import tempfile
import traceback
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from mldoctor.commands._output import notice, write
from mldoctor.commands.baseline import baseline
from mldoctor.commands.check import CheckCommand, check
from mldoctor.commands.data import data
from mldoctor.commands.env import env
from mldoctor.commands.explain import explain
from mldoctor.commands.probes import probes
from mldoctor.commands.recipes import recipes
from mldoctor.commands.report import report
from mldoctor.errors import ExitCode, MldoctorError


class _Doctor(TyperGroup):
    """The commands, in the order a user meets them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None


app = typer.Typer(
    cls=_Doctor,
    name="mldoctor",
    add_completion=False,
    # Boxes are for terminals only, and help must be as readable in a pipe.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=CheckCommand, short_help="Examine a training script.")(check)
app.command(short_help="Examine data files.")(data)
app.command(short_help="Report on a saved run again.")(report)
app.command(cls=CheckCommand, short_help="Accept what a script shows now.")(baseline)
app.command(short_help="Print the page of a probe.")(explain)
app.command(short_help="List all probes.")(probes)
app.add_typer(recipes, short_help="List, show, run or copy reference training scripts.")
app.command(short_help="Print versions, devices and settings.")(env)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the shape of a typer callback
    if wanted:
        from mldoctor.versions import tool

        write(f"mldoctor {tool()}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def doctor(
    ctx: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A training doctor for PyTorch: examines a training script that nobody edited.

    \b
    Examples:
      mldoctor check train.py
      mldoctor explain frozen-head
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    del version
    if ctx.invoked_subcommand is None:
        write(f"{ctx.get_help()}\n")


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        app(prog_name="mldoctor")
    except MldoctorError as error:
        notice(f"mldoctor: {error}")
        sys.exit(ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - the border: exit 1 would read as "findings"
        notice(_internal(error))
        sys.exit(ExitCode.FAILED)
    sys.exit(ExitCode.CLEAN)


def _internal(error: Exception) -> str:
    """Two lines about a fault of our own, and where its traceback was saved."""
    text = "".join(traceback.format_exception(error))
    said = str(error).strip().rpartition("\n")[2]  # the worker's message is a whole traceback
    first = f"mldoctor: internal error: {type(error).__name__}{f': {said}' if said else ''}"
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="mldoctor-traceback-",
            suffix=".txt",
            encoding="utf-8",
            errors="backslashreplace",
            delete=False,
        ) as file:
            file.write(text)
    except OSError:  # nowhere to save it: better on the screen than lost
        return f"{first}\n{text}"
    return f"{first}\nThe traceback is in {file.name}; please attach it to a report of this fault."
