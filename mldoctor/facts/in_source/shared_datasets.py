"""One dataset behind a training loader and an evaluation loader, as the source shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, argument, dotted
from mldoctor.source.reach import origin

TRAIN = re.compile(r"(^|_)(train|training|trn|tr)(_|$|loader|dl|dataloader)")
EVALUATION = re.compile(
    r"(^|_)(val|valid|validation|dev|test|testing|eval|holdout)(_|$|loader|dl|dataloader)"
)
SAMPLERS = ("sampler", "batch_sampler")


@dataclass(frozen=True, slots=True)
class SharedDataset:
    """Two loaders by the names of their variables, and the dataset that both read."""

    dataset: str
    training: str
    evaluation: str
    location: Location
    trained: Location


@dataclass(frozen=True, slots=True)
class SharedDatasets:
    """Every such pair that is built in one row of statements."""

    rows: tuple[SharedDataset, ...]


@fact(Cost.SOURCE)
def shared_datasets(sources: Sources) -> SharedDatasets:
    """Compare the arguments of the loaders that are built side by side."""
    rows = []
    for module in sources.modules():
        for block in module.blocks:
            built = [
                (at, *found) for at, one in enumerate(block) if (found := _loader(module, one))
            ]
            for at, name, dataset in built:
                for other, evaluation, same in built:
                    if (
                        TRAIN.search(name)
                        and EVALUATION.search(evaluation)
                        and not TRAIN.search(evaluation)
                        and not EVALUATION.search(name)
                        and dataset == same
                        and _unchanged(module, block, min(at, other), max(at, other), dataset)
                    ):
                        here, there = module.location(block[other]), module.location(block[at])
                        rows.append(SharedDataset(dataset, name, evaluation, here, there))
    return SharedDatasets(tuple(dict.fromkeys(rows)))


def _loader(module: Module, statement: ast.stmt) -> tuple[str, str] | None:
    """Variable and dataset of a loader that draws from all of its dataset."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    call, target = statement.value, statement.targets[0]
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Name):
        return None
    if module.full(call.func) != "torch.utils.data.DataLoader":
        return None
    if any(keyword.arg in (*SAMPLERS, None) for keyword in call.keywords):
        return None
    given = argument(call, 0, "dataset")
    dataset = dotted(given)
    if given is None or not dataset or _draws(module, given):
        return None
    return target.id.lower(), dataset


def _draws(module: Module, given: ast.expr) -> bool:
    """Whether a dataset of the file makes new samples whenever it is asked."""
    built = origin(module, given).node
    name = getattr(built.func, "id", "") if isinstance(built, ast.Call) else ""
    for node in module.nodes:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return any("rand" in getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(node))
    return False


def _unchanged(module: Module, block: list[ast.stmt], first: int, last: int, name: str) -> bool:
    """Whether the dataset is the same one at both loaders, and nothing sets its part between."""
    head = name.partition(".")[0]
    for statement in block[first + 1 : last]:
        if head in module.bound(statement):
            return False
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(
                node.ctx, ast.Load
            ):
                return False
            if isinstance(node, ast.Call) and not module.full(node.func).endswith("DataLoader"):
                used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if head in used and getattr(node.func, "id", "") not in ("len", "print"):
                    return False
    return True
