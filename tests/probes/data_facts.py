"""Plain facts as sound data gives them; tests change what they are about."""

from mldoctor.facts.batch_order import BatchOrder
from mldoctor.facts.class_labels import ClassLabels, Labels
from mldoctor.facts.delivery import Delivered, Delivery
from mldoctor.facts.input_parts import InputParts, Split
from mldoctor.facts.loaders import Loader
from mldoctor.facts.loss_calls import LossCall, LossCalls
from mldoctor.facts.model_inputs import FirstLayer
from mldoctor.facts.near_duplicates import Near
from mldoctor.facts.repetition import Repetition
from mldoctor.facts.sample_stability import Stability
from mldoctor.facts.simple_relations import MapCheck, SimpleRelations
from mldoctor.facts.split_columns import Groups, SplitColumns, Times
from mldoctor.facts.split_shift import Shift
from mldoctor.facts.target_fit import Fit
from mldoctor.facts.token_use import Tokens
from mldoctor.findings import Location

HERE = Location("train.py", 7)
TRAINING = Loader(0, "training", HERE, "TensorDataset", 400)
EVALUATION = Loader(1, "evaluation", HERE, "TensorDataset", 100)

SPLIT = Split(
    TRAINING,
    400,
    400,
    400,
    400,
    same_up_to_rounding=False,
    non_finite=0,
    non_finite_index=(),
    non_finite_part="",
    empty=0,
    empty_index=(),
    empty_how="",
)
PARTS = InputParts((SPLIT,))
LAYER = FirstLayer(
    "model",
    "model.0",
    "Linear",
    HERE,
    (32, 8),
    -3.0,
    3.0,
    0.0,
    1.0,
    normalised_after=False,
    widest=1.2,
    narrowest=0.8,
    scrambled=None,
    layout="",
)
REPETITION = Repetition(
    TRAINING,
    400,
    400,
    0,
    0,
    (),
    balancing=False,
    labelled=0,
    conflicts=0,
    conflict_rows=0,
    conflict_pairs=(),
)
ORDER = BatchOrder(
    1,
    30,
    3,
    0.1,
    "RandomSampler",
    sequential=False,
    dataset_classes=0,
    runs=0.0,
    expected=0.0,
    built=HERE,
    site=HERE,
)
DELIVERED = Delivered(
    0,
    "training",
    HERE,
    400,
    13,
    32,
    "SequentialSampler",
    sequential=True,
    drop_last=False,
    visited=None,
    requests=30,
    iterators=3,
    ends=2,
    empty_passes=0,
)
STABILITY = Stability(
    TRAINING,
    "Noisy",
    shared=True,
    entries=4,
    reads=6,
    random=4,
    mutated=0,
    drew=True,
    reseeded=False,
    declared="Noisy.__getitem__ speaks of 'noise'",
    worker_copies=None,
)
MAP = MapCheck(EVALUATION, 100, 0.9, 0.9, ())
RELATIONS = SimpleRelations(TRAINING, 400, 2, 0.95, 4, (1, 2, 3, 4), "", 0.0, 0.0, 0.5, (MAP,))
TOKENS = Tokens(
    "model.embedding",
    100,
    0,
    HERE,
    HERE,
    positions=False,
    lowest=0,
    highest=99,
    part="0",
    sampled=400,
    total=400,
    sample_lowest=0,
    sample_highest=99,
    beyond=0,
    beyond_index=(),
    crashed=False,
    pad=0,
    pad_by_mask=False,
    pad_share=0.2,
    batches=4,
    pad_inside=0.0,
    commonest=7,
    commonest_share=0.07,
    different=90,
    full=0.1,
    lengths=12,
    longest=24,
)
LABELS = Labels(TRAINING, {"0": 200, "1": 200}, 400, complete=True, runs=0.5, expected=0.5)
CLASSES = ClassLabels(LABELS, ())
CALL = LossCall(
    "cross_entropy",
    HERE,
    30,
    (32, 2),
    2,
    (32,),
    "int64",
    integer_target=True,
    whole_target=True,
    lowest=0.0,
    highest=1.0,
    counts={"0": 480, "1": 480},
    ignored=0.0,
    ignore_index=-100,
    probabilities=False,
    weighted=False,
    error="",
)
CALLS = LossCalls((CALL,))
FIT = Fit(
    "mse_loss",
    HERE,
    30,
    (32, 1),
    (32, 1),
    32,
    (),
    -2.0,
    2.0,
    0.0,
    1.0,
    0.0,
    0.1,
    1.0,
    0.5,
    0.0,
    0.0,
    0.0,
    0.0,
    0,
    "",
)
NEAR = Near(EVALUATION, "texts", 100, 400, 0, (), 0.0)
GROUPS = Groups(EVALUATION, "patient", 0, 40, 10, 0, 100, 10.0, (), is_label=False)
TIMES = Times(EVALUATION, "date", 0.0, 400, 100, "2024-12-31", "2025-01-01")
COLUMNS = SplitColumns(TRAINING, (GROUPS,), (TIMES,), ())
SHIFT = Shift(EVALUATION, "0", 320, 80, 0.5, 0.45, 0.55, "column 0", 0.0, 1.0, 0.0, 1.0, 0.0, 1.0)


def delivery(**changes):
    """What the loaders did, of one training loader with these changes."""
    from dataclasses import replace

    whole = {
        "updates": 30,
        "identical": 1,
        "identical_rows": 32,
        "identical_values": 2,
        "pure": 0,
        "labelled": 30,
        "classes": 2,
        "expected_pure": 0.1,
        "site": HERE,
        "latest": 0,
    }
    mine = {k: changes.pop(k) for k in [*changes] if k in whole}
    return Delivery((replace(DELIVERED, **changes),), **(whole | mine))


def found(judge, *facts, **options):
    """The findings of one probe."""
    return list(judge(*facts, **options))
