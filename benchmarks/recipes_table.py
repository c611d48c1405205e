"""The page recipes/README.md, written from recipes/results.json."""

from __future__ import annotations

import ast
import json
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LESS_IS_BETTER = ("word_error_rate", "bits_per_character")
START, END = "<!-- measured: written by benchmarks/recipes.py -->", "<!-- end -->"
SHORT = {"macro_f1": "macro-F1", "word_error_rate": "word error rate"}


def write(results: Path, page: Path) -> None:
    """Put the table between the two marks of the page."""
    kept = json.loads(results.read_text("utf-8"))
    before, _, rest = page.read_text("utf-8").partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}\n{_table(kept, page.parent)}\n{END}{after}", "utf-8")


def _table(kept: dict[str, Any], recipes: Path) -> str:
    head = ("recipe", "architecture", "data", "rows (train / test)", "options", "score", "result",
            "baseline", "constant answer", "CPU s", "seeds", "date")  # fmt: skip
    rows = [_row(name, line, recipes) for name, line in kept.items()]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join([*lines, "", *_verdicts(kept)])


def _row(name: str, line: dict[str, Any], recipes: Path) -> tuple[str, ...]:
    runs = list(line["seeds"].values())
    about = ast.get_docstring(ast.parse((recipes / f"{name}.py").read_text("utf-8"))) or ""
    rows = runs[0]["rows"]
    other = _shown(runs, "baseline")
    return (
        f"[`{name}`]({name}.py)",
        about.splitlines()[0].rstrip("."),
        line["data"] + (" (pretrained encoder)" if line["pretrained"] else ""),
        f"{rows['train']:,} / {rows['test']:,}",
        _options(line["arguments"]),
        SHORT.get(runs[0]["metric"], runs[0]["metric"].replace("_", " ")),
        _shown(runs, "score"),
        f"{other} ({line['baseline']})" if other != "-" else "-",
        _shown(runs, "constant"),
        f"{mean(run['cpu_seconds'] for run in runs):.0f}",
        str(len(runs)),
        max(run["date"] for run in runs),
    )


def _options(arguments: str) -> str:
    """What was set besides the data: above all what bounds the time."""
    shown = arguments.replace("--split_column split", "").strip()
    return f"`{shown}`" if shown else "-"


def _shown(runs: list[dict[str, Any]], key: str) -> str:
    """Mean and standard deviation over the seeds, or the one value there is."""
    values = [run[key] for run in runs if run[key] is not None]
    if not values:
        return "-"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


def _verdicts(kept: dict[str, Any]) -> list[str]:
    """Where the simple baseline is as good or better: said, not left to the reader's eye."""
    lines = []
    for name, line in kept.items():
        runs = list(line["seeds"].values())
        sign = -1 if runs[0]["metric"] in LESS_IS_BETTER else 1
        over = f"mean of {len(runs)} seeds" if len(runs) > 1 else "one seed"
        if runs[0]["baseline"] is None:
            gain = sign * mean(run["score"] - run["constant"] for run in runs)
            lines.append(f"- `{name}` beats the constant answer by {gain:.3f} ({over}).")
            continue
        gains = [sign * (run["score"] - run["baseline"]) for run in runs]
        told = f"{abs(mean(gains)):.3f} ({over})"
        if mean(gains) <= 0:
            lines.append(f"- `{name}`: **the {line['baseline']} wins** by {told}.")
        else:
            sure = "" if min(gains) > 0 else ", though not with every seed"
            lines.append(f"- `{name}` beats the {line['baseline']} by {told}{sure}.")
    return lines
