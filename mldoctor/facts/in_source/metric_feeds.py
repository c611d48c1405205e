"""What the source shows of the predictions and truths that metrics are given."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.loss_feeds import CLASSES, FUNCTIONS
from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.ends import SHAPES
from mldoctor.source.module import Module, argument, dotted, method, text_of
from mldoctor.source.reach import origin

RANKING = ("roc_auc_score", "average_precision_score", "roc_curve", "precision_recall_curve")
"""Metrics of scikit-learn that rank samples by a score: of two values, one rank is left."""

ONE_SIDED = (
    *RANKING, "precision_score", "recall_score", "fbeta_score", "precision_recall_fscore_support",
    "classification_report", "confusion_matrix", "balanced_accuracy_score", "log_loss",
    "brier_score_loss", "r2_score", "explained_variance_score", "mean_absolute_percentage_error",
)  # fmt: skip
"""Metrics of scikit-learn, as (truth, prediction), that change when the two are exchanged."""

PREDICTED = frozenset(
    "pred preds predicted prediction predictions hat yhat output outputs logits probs scores".split()  # noqa: SIM905
)
TRUE = frozenset("true label labels target targets truth gold gt references".split())  # noqa: SIM905

CARRIERS = (
    *SHAPES, "cpu", "numpy", "detach", "tolist", "long", "int", "bool", "astype", "item", "ravel",
    "argmax", "round", "sigmoid", "softmax",
)  # fmt: skip
"""Methods behind which a tensor is still the truth or the prediction that it was."""

JOINERS = ("concatenate", "cat", "array", "asarray", "stack", "hstack", "concat", "list", "tensor")
HALF = 0.5
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class MetricFeed:
    """One metric, or one threshold, that is given something else than it is made for.

    Attributes:
        what: "exchanged", "labels" (where scores are ranked) or "scores" (under a threshold for
            probabilities).
        metric: the function, or the comparison as code; given: what it is given, as code.
        made: where that comes from.
    """

    what: str
    metric: str
    given: str
    location: Location
    made: Location | None


@dataclass(frozen=True, slots=True)
class MetricFeeds:
    """Every metric whose arguments the source shows without doubt."""

    rows: tuple[MetricFeed, ...]


@fact(Cost.SOURCE)
def metric_feeds(sources: Sources) -> MetricFeeds:
    """Follow the arguments of metrics back to what makes them."""
    rows: list[MetricFeed] = []
    for module in sources.modules():
        for call in module.calls:
            whole = module.full(call.func)
            name = whole.rpartition(".")[2]
            if not whole.startswith("sklearn.metrics."):
                continue
            found = _exchanged(module, call, name) or _ranked(module, call, name)
            if found is not None:
                rows.append(found)
        rows += _thresholds(module)
    return MetricFeeds(tuple(rows))


def _exchanged(module: Module, call: ast.Call, name: str) -> MetricFeed | None:
    """Prediction and truth in each other's place."""
    average = argument(call, 99, "average")
    weighted = name in ("f1_score", "jaccard_score") and (
        isinstance(average, ast.Constant) and average.value == "weighted"
    )
    if name not in ONE_SIDED and not weighted:
        return None
    first, second = argument(call, 0, "y_true"), argument(call, 1, "y_pred")
    second = second or argument(call, 1, "y_score")
    if first is None or second is None or role(first) != "predicted" or role(second) != "true":
        return None
    given = f"{text_of(first)}, {text_of(second)}"
    return MetricFeed("exchanged", name, given, module.location(call), None)


def role(node: ast.expr) -> str:
    """Whether an expression is by its name the "predicted" or the "true" values; "" in doubt."""
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node.func, ast.Attribute) and node.func.attr in CARRIERS:
            node = node.func.value
        elif _is_joiner(node):
            node = node.args[0]
        else:
            return ""
    name = dotted(node).rpartition(".")[2]
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
    predicted, true = bool(words & PREDICTED), bool(words & TRUE)
    if predicted == true:
        return ""
    return "predicted" if predicted else "true"


def _is_joiner(call: ast.Call) -> bool:
    name = dotted(call.func).rpartition(".")[2]
    return name in JOINERS and len(call.args) >= 1


def _ranked(module: Module, call: ast.Call, name: str) -> MetricFeed | None:
    """A metric of ranks that is given hard labels."""
    given = argument(call, 1, "y_score") if name in RANKING else None
    if given is None:
        return None
    maker = _hard(module, given)
    if maker is None:
        return None
    return MetricFeed("labels", name, text_of(maker), module.location(call), module.location(maker))


def _hard(module: Module, node: ast.expr, depth: int = 0) -> ast.expr | None:
    """The operation that leaves nothing but labels of what a value was; None where none is seen."""
    if depth > DEEPEST:
        return None
    found = origin(module, node).node
    if isinstance(found, ast.Compare):
        return found
    if isinstance(found, ast.List) and not found.elts and isinstance(node, ast.Name):
        return _collected(module, node, depth)
    if not isinstance(found, ast.Call):
        return None
    last = dotted(found.func).rpartition(".")[2] or getattr(found.func, "attr", "")
    if last in ("argmax", "round"):
        return found
    if _is_joiner(found):
        return _hard(module, found.args[0], depth + 1)
    if isinstance(found.func, ast.Attribute) and found.func.attr in CARRIERS:
        return _hard(module, found.func.value, depth + 1)
    return None


def _collected(module: Module, name: ast.Name, depth: int) -> ast.expr | None:
    """The same for a list, of everything that is put into it."""
    scope = module.scope(name)
    added = [
        call.args[0]
        for call in module.calls
        if method(call) in ((name.id, "append"), (name.id, "extend"))
        and call.args
        and module.scope(call) is scope
    ]
    found = [_hard(module, one, depth + 1) for one in added]
    return found[0] if found and all(found) else None


def _thresholds(module: Module) -> list[MetricFeed]:
    """Comparisons with one half of what a model gives that is trained on a loss of raw scores."""
    trained = _scoring_models(module)
    rows = []
    for node in module.of(ast.Compare) if trained else ():
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        bound = node.comparators[0]
        half = isinstance(bound, ast.Constant) and bound.value == HALF
        if not half or not isinstance(node.ops[0], ast.Gt | ast.GtE):
            continue
        maker = _called(module, node.left)
        if maker is not None and dotted(maker.func) in trained:
            place = module.location(node)
            rows.append(
                MetricFeed("scores", text_of(node), text_of(maker), place, module.location(maker))
            )
    return rows


def _scoring_models(module: Module) -> set[str]:
    """Names of the models whose output goes into a binary loss that applies the sigmoid itself."""
    found = set()
    for call in module.calls:
        whole = module.full(call.func)
        loss = FUNCTIONS.get(whole, "")
        if not whole:
            built = origin(module, call.func).node
            whole = module.full(built.func) if isinstance(built, ast.Call) else ""
            loss = CLASSES.get(whole, "")
        given = argument(call, 0, "input")
        if loss != "binary_cross_entropy_with_logits" or given is None:
            continue
        maker = _called(module, given)
        if maker is not None and dotted(maker.func):
            found.add(dotted(maker.func))
    return found


def _called(module: Module, node: ast.expr) -> ast.Call | None:
    """The call of a name, such as a model, whose values an expression still has."""
    for _ in range(DEEPEST):
        node = origin(module, node).node
        if isinstance(node, ast.Subscript):
            node = node.value
        elif not isinstance(node, ast.Call):
            return None
        elif isinstance(node.func, ast.Attribute) and node.func.attr in (*SHAPES, "cpu", "detach"):
            node = node.func.value
        else:
            return None if module.full(node.func) else node
    return None
