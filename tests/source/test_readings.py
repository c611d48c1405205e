"""What the source alone shows: each reading on code that proves the fault, and on code that does not."""

import pytest

from mldoctor.facts.in_source.sources import SourceFile, Sources
from mldoctor.registry import needed_facts, source_probes

IMPORTS = """
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader
"""

SOFTMAX = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.out = nn.{layer}

    def forward(self, x):
        {extra}
        return self.out(self.fc(x))

model, criterion = Net().to("cuda"), nn.{loss}()
for x, y in loader:
    scores = model(x)
    loss = criterion(scores, y)
"""

HELPER = """
model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))

def train(net, loss_fn, batches):
    for x, y in batches:
        loss_fn(net(x), y).backward()

train(model, nn.CrossEntropyLoss(), loader)
"""

STEPS = """
optimizer = optim.Adam(model.parameters())
for epoch in range(9):
    {before}
    for x, y in loader:
        {lines}
"""

KEEP = """
best = 0
for epoch in range(9):
    for x, y in loader:
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()
    score = evaluate(model)
    if score > best:
        best, kept = score, {kept}
        {more}
model.load_state_dict(kept)
"""

LAYERS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 4) for _ in range(3)]
        {init}

    def forward(self, x):
        for layer in self.layers:
            {use}
        return x
"""

FORWARD = """
class {name}(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x, rate):
        {lines}
        return x
"""

EVAL = """
model = nn.Sequential(nn.Linear(4, 3), nn.{layer})
optimizer = optim.SGD(model.parameters(), lr=0.1)
model.train()
for epoch in range(9):
    {start}
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    {end}
"""

LATE = """
model = load()
optimizer = optim.SGD(model.parameters(), lr=0.1)
{late}
for x, y in loader:
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
"""

LOADERS = """
train_loader = DataLoader({train}, batch_size=8, shuffle=True{more})
{between}
val_loader = DataLoader({val}, batch_size=8{more})
"""


def lines(*each):
    return "\n        ".join(each)


BACKWARD, STEP, ZERO = "loss.backward()", "optimizer.step()", "optimizer.zero_grad()"
CLIP = "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"


def softmax(layer="Softmax(dim=1)", loss="CrossEntropyLoss", extra="pass"):
    return SOFTMAX.format(layer=layer, loss=loss, extra=extra)


def steps(*each, before="pass"):
    return STEPS.format(before=before, lines=lines("loss = F.mse_loss(model(x), y)", *each))


def keep(kept="model.state_dict()", more="pass"):
    return KEEP.format(kept=kept, more=more)


def layers(init="pass", use="x = layer(x)"):
    return LAYERS.format(init=init, use=use)


def forward(*each, name="Net"):
    return FORWARD.format(name=name, lines=lines(*each))


def evaluation(layer="Dropout(0.5)", start="pass", end="pass"):
    return EVAL.format(layer=layer, start=start, end=end)


def late(line):
    return LATE.format(late=line)


def loaders(train="train_set", val="train_set", between="", more=""):
    return LOADERS.format(train=train, val=val, between=between, more=more)


CASES = [
    ("double-softmax", softmax(), True),
    ("double-softmax", softmax("Sigmoid()", "BCEWithLogitsLoss"), True),
    ("double-softmax", softmax("LogSoftmax(dim=1)"), False),
    ("double-softmax", softmax("Identity()"), False),
    ("double-softmax", softmax(extra="if not self.training: return self.fc(x)"), False),
    ("double-softmax", softmax() + "\nmodel.out = nn.Identity()\n", False),
    ("double-softmax", HELPER, True),
    ("double-softmax", HELPER + "\ntrain(other, nn.CrossEntropyLoss(), loader)\n", False),
    ("double-softmax", HELPER.replace("train(model", "model.append(f)\ntrain(model"), False),
    ("double-softmax", "scores = F.softmax(net(x), 1)\nloss = F.cross_entropy(scores, y)", True),
    (
        "double-softmax",
        "scores = F.softmax(net(x), 1)\nscores = torch.log(scores)\nF.cross_entropy(scores, y)",
        False,
    ),
    (
        "double-softmax",
        "scores = net(x)\nif hard:\n    scores = F.softmax(scores, 1)\nF.cross_entropy(scores, y)",
        False,
    ),
    ("loss-input-mismatch", softmax(loss="NLLLoss"), True),
    ("loss-input-mismatch", softmax("Linear(3, 3)", "NLLLoss"), True),
    ("loss-input-mismatch", softmax("LogSoftmax(dim=1)", "NLLLoss"), False),
    ("loss-input-mismatch", "F.kl_div(F.softmax(net(x), 1), p)", True),
    ("loss-input-mismatch", "F.kl_div(F.log_softmax(net(x), 1), F.softmax(t, 1))", False),
    ("cleared-gradients", steps(BACKWARD, ZERO, STEP), True),
    ("cleared-gradients", steps(BACKWARD, "model.zero_grad()", STEP), True),
    ("cleared-gradients", steps(ZERO, BACKWARD, STEP), False),
    ("cleared-gradients", steps(BACKWARD, STEP, ZERO, "scheduler.step()"), False),
    ("cleared-gradients", steps(BACKWARD, ZERO, "loss2.backward()", STEP), False),
    ("cleared-gradients", steps(BACKWARD, "other.zero_grad()", STEP), False),
    ("cleared-gradients", steps(BACKWARD, "save(model)", ZERO, "restore(model)", STEP), False),
    ("clip-without-effect", steps(ZERO, BACKWARD, STEP, CLIP), True),
    ("clip-without-effect", steps(ZERO, CLIP, BACKWARD, STEP, "scheduler.step()"), True),
    ("clip-without-effect", steps(ZERO, BACKWARD, CLIP, STEP), False),
    ("clip-without-effect", steps(BACKWARD, STEP, CLIP), False),
    (
        "clip-without-effect",
        steps(ZERO, BACKWARD, STEP, CLIP.replace("1.0", "float('inf')")),
        False,
    ),
    ("clip-without-effect", steps(ZERO, BACKWARD, CLIP, STEP, "x.backward()", CLIP), False),
    (
        "clip-without-effect",
        "scaler = torch.amp.GradScaler()"
        + steps(ZERO, "scaler.scale(loss).backward()", CLIP, "scaler.step(optimizer)"),
        True,
    ),
    (
        "clip-without-effect",
        "scaler = torch.amp.GradScaler()"
        + steps(
            ZERO,
            "scaler.scale(loss).backward()",
            "scaler.unscale_(optimizer)",
            CLIP,
            "scaler.step(optimizer)",
        ),
        False,
    ),
    ("missing-zero-grad", steps(BACKWARD, STEP), True),
    ("missing-zero-grad", steps(BACKWARD, STEP, before=ZERO), True),
    ("missing-zero-grad", steps(BACKWARD, STEP, "optimizer.zero_grad"), True),
    ("missing-zero-grad", steps(BACKWARD, STEP, ZERO), False),
    ("missing-zero-grad", steps(BACKWARD, STEP, "break"), False),
    ("missing-zero-grad", steps(BACKWARD, STEP, "for p in ps: p.grad = None"), False),
    ("missing-zero-grad", steps(BACKWARD, STEP, "reset(optimizer)"), False),
    ("missing-zero-grad", steps("optimizer = optim.SGD(ps, lr=1)", BACKWARD, STEP), False),
    ("missing-zero-grad", steps(BACKWARD, STEP).replace("optim.Adam", "Clearing"), False),
    ("missing-step", steps(ZERO, BACKWARD), True),
    ("missing-step", steps(ZERO, BACKWARD, "optimizer.step"), True),
    ("missing-step", steps(ZERO, BACKWARD, STEP), False),
    ("missing-step", steps(ZERO, BACKWARD, "advance(optimizer)"), False),
    ("missing-step", "env.step\n", False),
    (
        "scheduler-misstep",
        steps(ZERO, BACKWARD, STEP)
        + "\nscheduler = optim.lr_scheduler.StepLR(optimizer, 1)\nprint(scheduler.get_last_lr())",
        True,
    ),
    (
        "scheduler-misstep",
        steps(ZERO, BACKWARD, STEP)
        + "\nscheduler = optim.lr_scheduler.StepLR(optimizer, 1)\nscheduler.step()",
        False,
    ),
    ("missing-backward", steps(ZERO, "loss.backward", STEP), True),
    ("missing-backward", steps(ZERO, BACKWARD, STEP), False),
    ("evaluating-in-train-mode", "def test(model):\n    model.eval\n    model(x)", True),
    ("evaluating-in-train-mode", "def test(model):\n    model.eval()\n    model(x)", False),
    ("training-in-eval-mode", evaluation(), True),
    ("training-in-eval-mode", evaluation("ReLU()"), False),
    ("training-in-eval-mode", evaluation(start="model.train()"), False),
    ("training-in-eval-mode", evaluation(end="report(model)"), False),
    ("training-in-eval-mode", evaluation(end="break"), False),
    ("stochastic-evaluation", forward("x = F.dropout(x, self.p)"), True),
    ("stochastic-evaluation", forward("x = nn.Dropout(0.1)(x)"), True),
    ("stochastic-evaluation", forward("drop = nn.Dropout(0.1)", "x = drop(x)"), True),
    ("stochastic-evaluation", forward("drop = nn.Dropout(0.1)", "drop.eval()"), False),
    ("stochastic-evaluation", forward("x = F.dropout(x, rate)"), False),
    ("stochastic-evaluation", forward("x = F.dropout(x, self.p)") + "\nnet.p = 0.0\n", False),
    ("stochastic-evaluation", forward("x = F.dropout(x, 0.1, self.training)"), False),
    ("stochastic-evaluation", forward("x = F.dropout(x, training=self.training)"), False),
    ("stochastic-evaluation", forward("if self.training: x = F.dropout(x)"), False),
    ("stochastic-evaluation", forward("x = F.dropout(x)", name="BayesianNet"), False),
    ("unregistered-modules", forward("x = nn.Linear(4, 4)(x)"), True),
    ("unregistered-modules", forward("x = nn.Linear(4, 4).to(x.device)(x)"), True),
    ("unregistered-modules", forward("self.a = nn.Linear(4, 4)", "x = self.a(x)"), False),
    ("unregistered-modules", forward("x = nn.LayerNorm(4)(x)"), False),
    ("unregistered-modules", layers(), True),
    ("unregistered-modules", layers().replace(" for _ in range(3)", ""), False),
    ("unregistered-modules", layers().replace("self.layers", "self.teachers"), False),
    ("unregistered-modules", layers("self.all = nn.ModuleList(self.layers)"), False),
    ("unregistered-modules", layers("self.add_module('a', self.layers[0])"), False),
    ("unregistered-modules", layers(use="x = run(layer, x)"), False),
    ("unregistered-modules", layers() + "\nps = [l.weight for l in net.layers]\n", False),
    ("unregistered-modules", layers().replace("nn.Linear(4, 4)", "nn.ReLU()"), False),
    (
        "non-differentiable-loss",
        "torch.tensor(loss_of(x).item(), requires_grad=True).backward()",
        True,
    ),
    (
        "non-differentiable-loss",
        "loss = f(x)\nloss = torch.tensor(loss, requires_grad=True)\nloss.backward()",
        True,
    ),
    ("non-differentiable-loss", "loss = f(x)\nloss.detach().requires_grad_().backward()", True),
    ("non-differentiable-loss", "x = torch.tensor(2.0, requires_grad=True)\nx.backward()", False),
    (
        "non-differentiable-loss",
        "x = torch.tensor(f(2.0), requires_grad=True)\ny = x * x\ny.backward()",
        False,
    ),
    ("aliased-best-weights", keep(), True),
    ("aliased-best-weights", keep("copy.deepcopy(model.state_dict())"), False),
    ("aliased-best-weights", keep(more="kept = copy.deepcopy(kept)"), False),
    ("aliased-best-weights", keep(more="break"), False),
    ("same-dataset-evaluated", loaders(), True),
    ("same-dataset-evaluated", loaders(val="val_set"), False),
    ("same-dataset-evaluated", loaders(between="train_set = held_out"), False),
    ("same-dataset-evaluated", loaders(between="train_set.use('val')"), False),
    ("same-dataset-evaluated", loaders(more=", sampler=part"), False),
    ("same-dataset-evaluated", loaders().replace("val_loader", "train_eval_loader"), False),
    ("stale-optimizer", late("model.fc = nn.Linear(4, 2)"), True),
    ("stale-optimizer", late("model.classifier[1] = nn.Linear(4, 2)"), True),
    ("stale-optimizer", late("model = nn.Sequential(nn.Linear(4, 2))"), True),
    ("stale-optimizer", late("model = nn.DataParallel(model)"), False),
    ("stale-optimizer", late("model.act = nn.ReLU()"), False),
    (
        "stale-optimizer",
        late("model.fc = nn.Linear(4, 2)\noptimizer = optim.SGD(model.parameters(), lr=1)"),
        False,
    ),
    (
        "stale-optimizer",
        late("model.fc = nn.Linear(4, 2)\noptimizer.add_param_group({'params': ps})"),
        False,
    ),
    (
        "inverted-monitor",
        "from lightning.pytorch.callbacks import ModelCheckpoint\nModelCheckpoint(monitor='val_acc')",
        True,
    ),
    (
        "inverted-monitor",
        (
            "from lightning.pytorch.callbacks import EarlyStopping\n"
            "EarlyStopping('val/loss', mode='max')"
        ),
        True,
    ),
    (
        "inverted-monitor",
        (
            "from lightning.pytorch.callbacks import EarlyStopping\n"
            "EarlyStopping('val_score'), EarlyStopping('val_loss'), EarlyStopping('f1', mode=mode)"
        ),
        False,
    ),
    (
        "inverted-monitor",
        (
            "from transformers import TrainingArguments\n"
            "TrainingArguments('out', metric_for_best_model='eval_wer', greater_is_better=True)"
        ),
        True,
    ),
    (
        "inverted-monitor",
        (
            "from transformers import TrainingArguments\n"
            "TrainingArguments('out', metric_for_best_model='accuracy')"
        ),
        False,
    ),
    (
        "inverted-monitor",
        "s = optim.lr_scheduler.ReduceLROnPlateau(opt, 'max')\ns.step(results['val_loss'])",
        True,
    ),
    (
        "inverted-monitor",
        "s = optim.lr_scheduler.ReduceLROnPlateau(opt)\ns.step(val_loss)",
        False,
    ),
    (
        "metric-input-mismatch",
        "from sklearn.metrics import f1_score\nf1_score(preds, labels, average='weighted')",
        True,
    ),
    (
        "metric-input-mismatch",
        (
            "from sklearn import metrics\n"
            "def scores(p):\n"
            "    return metrics.recall_score(p.predictions.argmax(-1), p.label_ids)\n"
        ),
        True,
    ),
    (
        "metric-input-mismatch",  # the order does not matter, is right, or is not to be known
        (
            "from sklearn.metrics import accuracy_score, f1_score, precision_score\n"
            "accuracy_score(preds, labels), f1_score(preds, labels), precision_score(a, labels)\n"
            "precision_score(labels, preds), precision_score(y_true=labels, y_pred=preds)\n"
            "precision_score(predicted_labels, labels)\n"
        ),
        False,
    ),
    (
        "metric-input-mismatch",
        (
            "from sklearn.metrics import roc_auc_score\n"
            "scores = []\n"
            "for x, y in loader:\n"
            "    scores.extend((torch.sigmoid(model(x)) > 0.5).long().tolist())\n"
            "roc_auc_score(truth, scores)\n"
        ),
        True,
    ),
    (
        "metric-input-mismatch",
        (
            "from sklearn.metrics import roc_auc_score\n"
            "scores = []\n"
            "for x, y in loader:\n"
            "    scores.extend(torch.sigmoid(model(x)).tolist())\n"
            "roc_auc_score(truth > 2, scores)\n"
        ),
        False,
    ),
    (
        "metric-input-mismatch",
        (
            "loss = F.binary_cross_entropy_with_logits(net(x).squeeze(1), y)\n"
            "out = net(x_test)\n"
            "hits = (out.squeeze(1) >= 0.5) == y_test\n"
        ),
        True,
    ),
    (
        "reset-best-score",
        (
            "for epoch in range(9):\n"
            "    best = float('inf')\n"
            "    loss = validate(model)\n"
            "    if loss < best:\n"
            "        best = loss\n"
            "        torch.save(model.state_dict(), 'best.pt')\n"
        ),
        True,
    ),
    (
        "reset-best-score",
        (
            "class Runner:\n"
            "    def fit(self, epochs):\n"
            "        for e in range(epochs):\n"
            "            self.best = -1\n"
            "            if self.val > 0:\n"
            "                if self.best <= self.val:\n"
            "                    self.best = self.val\n"
            "                    self.save_checkpoint(e)\n"
        ),
        True,
    ),
    (
        "reset-best-score",  # before the loop; over the batches of one epoch; not the only start
        (
            "best = 0\n"
            "for epoch in range(9):\n"
            "    if acc > best:\n"
            "        best = acc\n"
            "        torch.save(model.state_dict(), 'best.pt')\n"
            "    hardest = 0\n"
            "    for x in loader:\n"
            "        if loss > hardest:\n"
            "            hardest = loss\n"
            "            torch.save(x, 'hardest.pt')\n"
            "    top = 0\n"
            "    top = history[-1]\n"
            "    if acc > top:\n"
            "        top = acc\n"
            "        torch.save(model.state_dict(), 'top.pt')\n"
            "for fold in range(5):\n"
            "    good = 0\n"
            "    if acc > good:\n"
            "        good = acc\n"
            "        torch.save(model.state_dict(), f'{fold}.pt')\n"
        ),
        False,
    ),
    (
        "metric-input-mismatch",  # probabilities; another model; the middle of the scores
        (
            "loss = F.binary_cross_entropy_with_logits(net(x), y)\n"
            "a, b, c = torch.sigmoid(net(x)) > 0.5, other(x) > 0.5, net(x) > 0\n"
        ),
        False,
    ),
]


@pytest.mark.parametrize(("name", "code", "fires"), CASES)
def test_a_reading_speaks_of_proof_and_of_nothing_else(name, code, fires):
    assert (name in _found(code)) is fires


def test_a_name_that_is_also_something_else_is_not_torch():
    code = "def f(F):\n    F.cross_entropy(F.softmax(x, 1), y)\n"
    assert _found(code) == set()


def test_every_reading_has_a_case_that_fires_and_one_that_does_not():
    for verdict in (True, False):
        tried = {name for name, _, fires in CASES if fires is verdict}
        assert tried | {"selection-on-test"} == set(source_probes())


def _found(code):
    """Names of what is found in a script."""
    known = source_probes()
    facts = {Sources: Sources((SourceFile("train.py", IMPORTS + code),))}
    for kind, fact in needed_facts(known).items():
        if kind is not Sources:
            facts[kind] = fact.obtain(*(facts[need] for need in fact.needs))
    found = [finding for probe in known.values() for finding in probe.findings(facts, {})]
    for finding in found:
        assert finding.location is not None
        assert finding.evidence
        assert finding.remedy is not None
        assert len(finding.message) < 80
        assert not finding.message.endswith(".")
    return {finding.name for finding in found}
