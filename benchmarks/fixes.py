"""Does `--fix` repair scripts so that their own metric recovers?

`python benchmarks/fixes.py [NAME ...]`

Each script of `faults/` has one fault and prints a score of held-out samples. It is committed to a
git repository of its own, run, given to `mldoctor check --fix`, examined again and run again. A row
shows the first finding, the score before and after, and what the second examination finds; the last
line counts the scripts whose second examination is clean and whose score rose.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).resolve().parent / "faults"
SEVERE = ("error", "warning")


def main() -> None:
    """Repair the scripts that were named, all by default."""
    names = sys.argv[1:] or [path.stem for path in sorted(FAULTS.glob("*.py"))]
    print(f"{'script':32} {'first finding':30} before  after  then")
    repaired = sum(row(name) for name in names)
    print(f"{repaired} of {len(names)} repaired: clean afterwards, and a better score")


def row(name: str) -> bool:
    """Repair one script and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "train.py")
        script.write_bytes((FAULTS / f"{name}.py").read_bytes())
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "as it is"]):
            identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
            subprocess.run(["git", *identity, *command], cwd=folder, check=True)  # noqa: S607 - the git of the user
        before = score(script)
        first = next(iter(findings(script)), None)
        subprocess.run(
            [sys.executable, "-m", "mldoctor", "check", "train.py", "--fix"],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        after, left = score(script), findings(script)
    print(f"{name:32} {first or '-':30} {before:6.3f} {after:6.3f}  {', '.join(left) or 'clean'}")
    return not left and after > before


def score(script: Path) -> float:
    """What the script itself prints as its score."""
    done = subprocess.run(
        [sys.executable, script.name], cwd=script.parent, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def findings(script: Path) -> list[str]:
    """Names of the errors and warnings of an examination, causes first."""
    done = subprocess.run(
        [sys.executable, "-m", "mldoctor", "check", script.name, "--output-format", "json"],
        cwd=script.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    heads = (f for f in report["findings"] if f["severity"] in SEVERE and not f["explained_by"])
    return [f["name"] for f in heads]


if __name__ == "__main__":
    main()
