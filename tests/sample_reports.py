"""Reports of every shape, shared by the tests of the formats."""

from dataclasses import replace

from mldoctor.findings import (
    Captured,
    Crashed,
    Curve,
    Evidence,
    Finding,
    Location,
    Remedy,
    Report,
    Run,
    Severity,
    Skipped,
    Suppressed,
    Trial,
    Verification,
)

TRAIN = """\
import torch
from torch import nn
from transformers import DistilBertForSequenceClassification

model = DistilBertForSequenceClassification.from_pretrained("checkpoint")
for parameter in model.distilbert.parameters():
    parameter.requires_grad = False

trainable = [p for p in model.parameters() if p.requires_grad]

optimizer = torch.optim.AdamW(trainable, lr=5e-4)

model.pre_classifier = nn.Linear(64, 64)
model.classifier = nn.Linear(64, 2)
"""

VERSIONS = {"mldoctor": "0.1.0", "python": "3.11.7", "torch": "2.13.0"}
COMMAND = ("mldoctor", "check", "train.py")
RUN = Run(
    updates=120,
    seconds=3.71,
    device="cpu",
    seed=1,
    captured=Captured(
        ("DistilBertForSequenceClassification, 66,955,010 parameters",),
        ("AdamW, lr 0.0005",),
        ("DataLoader, 8 batches of 32",),
    ),
    headline="Loss 0.515 to 0.007; predictions 169 / 87, labels 169 / 87.",
)


PASSED = tuple(f"probe-{i}" for i in range(32))
NOT_CHECKED = (
    Skipped("split-overlap", "batches carry no example ids", "--track-examples"),
    Skipped("unsafe-half-precision", "nothing ran under autocast"),
    Skipped("tiny-batch-norm", "no batch normalisation in the model"),
    Skipped("exhausted-schedule", "no scheduler was stepped"),
    Skipped("ctc-length-mismatch", "the loss is not CTC"),
    Skipped("batch-averaged-metric", "no evaluation loop was seen"),
)

FROZEN_HEAD = Finding(
    name="frozen-head",
    family="model",
    severity=Severity.ERROR,
    message="the classification head never changes during training",
    location=Location("train.py", 13, 1, "head replaced here, after the optimizer was built"),
    also=Location("train.py", 11, 13, "holds the tensors of the old head"),
    evidence=(
        Evidence("head tensors held by the optimizer", "0 of 4", "4 of 4"),
        Evidence("largest head update in 120 steps", "0, exactly", "above 0"),
        Evidence("head gradient norm, step 1 / 120", "3.5 / 360", "cleared every step"),
    ),
    explains=("single-class-collapse", "flat-loss"),
    remedy=Remedy(
        "build the optimizer after the head",
        diff="-trainable = old\n model.classifier = nn.Linear(64, 2)\n+trainable = new",
    ),
    subject="model.classifier",
)
COLLAPSE = Finding(
    name="single-class-collapse",
    family="learning",
    severity=Severity.ERROR,
    message="every prediction is class 0",
    location=Location("train.py", 13),
    evidence=(
        Evidence("predicted as class 0", "256 of 256", "169 of 256"),
        Evidence("batches seen", "8"),
    ),
    symptom=True,
    explained_by="frozen-head",
)
FLAT = Finding(
    name="flat-loss",
    family="learning",
    severity=Severity.ERROR,
    message="the loss does not fall",
    evidence=(Evidence("loss, first to last 20 steps", "0.706 to 0.712"),),
    symptom=True,
    explained_by="frozen-head",
)

HEALTHY = Report(
    target="train.py",
    verdict="healthy",
    passed=(*PASSED, "probe-32", "probe-33", "probe-34"),
    not_checked=NOT_CHECKED,
    run=RUN,
    command=COMMAND,
    versions=VERSIONS,
)
CAUSE = Report(
    target="train.py",
    verdict="findings",
    findings=(FROZEN_HEAD, COLLAPSE, FLAT),
    passed=PASSED,
    not_checked=NOT_CHECKED,
    run=RUN,
    command=COMMAND,
    versions=VERSIONS,
)
MANY = Report(
    target="train.py",
    verdict="findings",
    findings=(
        *(
            Finding(
                name="label-out-of-range",
                family="label",
                severity=Severity.ERROR,
                message=f"label {label} has no output",
                location=Location("gone.py", 3),
                evidence=(Evidence("outputs", "3", "at least 7"),),
            )
            for label in (5, 6)
        ),
        Finding(
            name="unscaled-input",
            family="data",
            severity=Severity.WARNING,
            message="inputs range from 0 to 255",
            remedy=Remedy("divide the images by 255", recipe="cnn"),
            verified=True,
            verification=Verification(
                "verified",
                "loss on the fixed samples",
                120,
                (Trial(0, 0.712, 0.006), Trial(1, 0.75, 0.007), Trial(2, 0.807, 0.0061)),
            ),
        ),
        Finding(
            name="decayed-norms",
            family="loop",
            severity=Severity.NOTE,
            message="weight decay acts on normalisation gains",
            verified=False,
            verification=Verification("no help", "the finding stayed", 120),
        ),
    ),
    passed=("frozen-head",),
    suppressed=(
        Suppressed(
            Finding(
                name="padding-waste",
                family="data",
                severity=Severity.NOTE,
                message="most tokens are padding",
                location=Location("data.py", 8, 5),
            ),
            "short texts only in this test",
        ),
    ),
    run=RUN,
    command=COMMAND,
    versions=VERSIONS,
)
INCOMPLETE = Report(
    target="train.py",
    verdict="incomplete",
    not_checked=tuple(
        Skipped(name, "the examination ended before it") for name in ("frozen-head", "flat-loss")
    ),
    run=Run(
        seconds=0.4,
        outcome="train.py:22 raised RuntimeError",
        output_tail=("epoch 1", " 10%|#   |\r100%|####|\r", "\x1b[31mRuntimeError\x1b[0m: no data"),
    ),
    command=COMMAND,
    versions=VERSIONS,
)
STOPPED = Report(
    target="train.py",
    verdict="findings",
    findings=(COLLAPSE,),
    passed=("frozen-head",),
    not_checked=(Skipped("flat-loss", "the examination ended before it"),),
    run=Run(updates=7, seconds=75.2, seed=0, outcome="interrupted"),
    command=COMMAND,
    versions=VERSIONS,
)
CRASHED = Report(
    target="train.py",
    verdict="healthy",
    passed=("frozen-head", "flat-loss"),
    not_checked=(Skipped("tiny-batch-norm", "no batch normalisation in the model"),),
    crashed=(Crashed("temporal-collapse", "ZeroDivisionError: division by zero"),),
    run=RUN,
    command=COMMAND,
    versions=VERSIONS,
)
FOREIGN = Report(
    target="モデル/訓練.py",
    verdict="findings",
    findings=(
        Finding(
            name="single-class-labels",
            family="label",
            severity=Severity.ERROR,
            message="every label is 'größer'\nas text",
            location=Location("モデル/訓練.py", 2, 17, "der Beschriftungs-Tensor"),
            evidence=(
                Evidence("Klasse 大きい", "100 %", "≤ 99 %"),
                Evidence("half a pair \udce9 and \x1b[2Jescape", "1"),
            ),
        ),
    ),
    passed=("frozen-head",),
    run=Run(updates=1, seconds=float("nan"), seed=None),
    command=("mldoctor", "check", "モデル/訓練.py"),
    versions=VERSIONS,
)
FOREIGN_SOURCE = "def main():\n\t日本 = 'größer'; labels = torch.zeros(4)\n\treturn labels\n"

NASTY_TEXT = (
    "a]]>b %0A::error::c | d `e` ``f`` <script>alert(1)</script> {0} [x](1) & @you 'q\" größe"
)
NASTY_SHORT = "]]> %0A | `x` <script>alert(1)</script>"
NASTY = Report(
    target="na]]>sty|`%0A`<b>.py",
    verdict="findings",
    findings=(
        Finding(
            name="label-out-of-range",
            family="label",
            severity=Severity.ERROR,
            message=NASTY_TEXT,
            location=Location("na]]>sty|`%0A`<b>.py", 1, 1, NASTY_TEXT),
            also=Location("other, file:%.py", 7, 3, NASTY_TEXT),
            evidence=(Evidence(NASTY_TEXT, NASTY_TEXT, NASTY_TEXT),),
            explains=("flat-loss",),
            remedy=Remedy(NASTY_TEXT, diff=f"-```\n+{NASTY_SHORT}", recipe="x<y"),
            subject=NASTY_TEXT,
        ),
        Finding(
            name="flat-loss",
            family="learning",
            severity=Severity.ERROR,
            message=NASTY_TEXT,
            evidence=(Evidence(NASTY_TEXT, NASTY_TEXT),),
            symptom=True,
            explained_by="label-out-of-range",
        ),
    ),
    not_checked=(Skipped("split-overlap", NASTY_TEXT, "--flag"),),
    crashed=(Crashed("temporal-collapse", f"ValueError: {NASTY_TEXT}"),),
    suppressed=(
        Suppressed(
            Finding(NASTY_TEXT, name="padding-waste", family="data", severity=Severity.NOTE),
            NASTY_TEXT,
            "accept",
        ),
    ),
    run=Run(
        updates=3,
        seconds=1.0,
        device="cpu",
        seed=0,
        outcome=f"it raised ValueError: {NASTY_TEXT}",
        output_tail=(NASTY_SHORT, "::error::from the script"),
    ),
    command=("mldoctor", "check", "na]]>sty|`%0A`<b>.py", "--", NASTY_TEXT),
    versions=VERSIONS,
    curves=(Curve(NASTY_TEXT, NASTY_TEXT, NASTY_TEXT, ((NASTY_TEXT, (1.0, 2.0)),)),),
)

CURVES = (
    Curve(
        "Can the loop memorise 20 samples?",
        "pass over the set",
        "loss",
        (
            ("as it is", tuple(0.71 - 0.0002 * i for i in range(150))),
            ("with all parameters trained", tuple(0.7 * 0.95**i for i in range(150))),
        ),
        expected=(None, 0.35),
        finding="frozen-head",
    ),
    Curve(
        "Do gradients reach every layer?",
        "update",
        "gradient norm",
        (
            ("embedding", (1e-7, 2e-7, float("nan"), 1e-7)),
            ("head", (3.5, 30.0, 120.0, 360.0)),
        ),
        logarithmic=True,
        finding="frozen-head",
    ),
    Curve(
        "Are the labels balanced?",
        "class",
        "samples",
        (("training", (169.0, 87.0)), ("predicted", (256.0, 0.0))),
        kind="bars",
        categories=("negative", "positive"),
    ),
    Curve(
        "Which classes are confused?",
        "predicted class",
        "true class",
        (("negative", (169.0, 0.0)), ("positive", (87.0, 0.0))),
        kind="grid",
        categories=("negative", "positive"),
    ),
)
PLOTTED = replace(CAUSE, curves=CURVES, sources={"train.py": TRAIN})

EVERY = {
    "nasty": NASTY,
    "plotted": PLOTTED,
    "healthy": HEALTHY,
    "cause": CAUSE,
    "many": MANY,
    "incomplete": INCOMPLETE,
    "stopped": STOPPED,
    "crashed": CRASHED,
    "foreign": FOREIGN,
}
