"""The edits of the source, each on code as people write it; what it does not know is left alone."""

from textwrap import dedent

import pytest

from mldoctor.edits import EDITS, edit_for
from mldoctor.findings import Finding, Location, Remedy
from mldoctor.registry import probes


def edited(name, text, line, also=None, *, subject="model", advice=""):
    finding = Finding(
        "message",
        name=name,
        location=Location("train.py", line),
        also=Location("train.py", also) if also else None,
        subject=subject,
        remedy=Remedy(advice),
    )
    edit = edit_for(finding, {"train.py": dedent(text)})
    if edit is None:
        return None
    changed = edit.diff.splitlines()[3:]
    return [row for row in changed if row[0] in "+-"]


def test_every_edit_belongs_to_a_probe():
    assert EDITS.keys() <= probes().keys()


LOOP = """\
    for x, y in loader:
        loss = criterion(model(x), y)  # scores
        loss.backward()
        self.optimizer.step()
    """


def test_gradients_are_cleared_behind_the_step():
    assert edited("missing-zero-grad", LOOP, 4) == ["+    self.optimizer.zero_grad()"]
    scaled = LOOP.replace("self.optimizer.step()", "scaler.step(opt)")
    assert edited("missing-zero-grad", scaled, 4) == ["+    opt.zero_grad()"]
    assert edited("missing-zero-grad", LOOP, 1) is None


def test_the_only_optimizer_steps():
    source = "opt = torch.optim.SGD(net.parameters(), lr=0.1)\n" + dedent(LOOP).replace(
        "    self.optimizer.step()\n", ""
    )
    assert edited("missing-step", source, 4) == ["+    opt.step()"]
    two = "other = Adam(head.parameters())\n" + source
    assert edited("missing-step", two, 5) is None
    named = source + "    opt.step\n"
    assert edited("missing-step", named, 4) == ["-    opt.step", "+    opt.step()"]


def test_clearing_and_clipping_are_moved():
    cleared = LOOP.replace("self.optimizer.step()", "opt.zero_grad()\n        opt.step()")
    assert edited("cleared-gradients", cleared, 4) == [
        "+    opt.step()",
        "-    opt.step()",
    ]
    late = LOOP.replace(
        "self.optimizer.step()",
        "opt.step()\n        clip_grad_norm_(model.parameters(), 1.0)",
    )
    moved = edited("clip-without-effect", late, 5)
    assert moved == [
        "+    clip_grad_norm_(model.parameters(), 1.0)",
        "-    clip_grad_norm_(model.parameters(), 1.0)",
    ]


def test_train_mode_before_the_batches():
    source = "for epoch in range(3):\n" + "".join(
        f"    {row}\n" for row in dedent(LOOP).splitlines()
    )
    assert edited("training-in-eval-mode", source, 3) == ["+    model.train()"]


def test_a_negated_loss_is_turned_back():
    direct = LOOP.replace("loss.backward()", "(-loss).backward()")
    assert edited("inverted-loss", direct, 3) == [
        "-    (-loss).backward()",
        "+    loss.backward()",
    ]
    assert edited("inverted-loss", LOOP, 3) == ["-    loss.backward()", "+    (-loss).backward()"]
    asked = "opt = SGD(ps, lr=0.1, maximize=True)\n" + dedent(LOOP)
    assert edited("inverted-loss", asked, 4) == [
        "-opt = SGD(ps, lr=0.1, maximize=True)",
        "+opt = SGD(ps, lr=0.1, maximize=False)",
    ]


@pytest.mark.parametrize(
    ("source", "line", "change"),
    [
        ("opt = Adam(ps, lr=10)\n", 1, ["-opt = Adam(ps, lr=10)", "+opt = Adam(ps, lr=0.01)"]),
        (
            "LR = 10.0  # tuned\nopt = Adam(ps, LR)\n",
            2,
            ["-LR = 10.0  # tuned", "+LR = 0.01  # tuned"],
        ),
        (
            'parser.add_argument("--lr", default=10.0)\nopt = Adam(ps, lr=args.lr)\n',
            2,
            [
                '-parser.add_argument("--lr", default=10.0)',
                '+parser.add_argument("--lr", default=0.01)',
            ],
        ),
        ("opt = Adam(ps, lr=rate(3))\n", 1, None),
    ],
)
def test_the_rate_that_learned(source, line, change):
    advice = "lower the learning rate to about 0.01"
    assert edited("learning-rate-too-high", source, line, advice=advice) == change


def test_loaders():
    plain = "loader = DataLoader(data, batch_size=8)\n"
    assert edited("unshuffled-training", plain, 1)[1] == (
        "+loader = DataLoader(data, batch_size=8, shuffle=True)"
    )
    assert edited("unshuffled-training", plain.replace(")", ", sampler=s)"), 1) is None
    dropping = "loader = DataLoader(data, drop_last=True)\n"
    assert edited("starved-loader", dropping, 1)[1] == "+loader = DataLoader(data, drop_last=False)"
    assert edited("starved-loader", plain, 1) is None


def test_the_optimizer_moves_behind_the_new_layers_with_what_hangs_on_it():
    source = """\
    net = Net()
    params = [p for p in net.parameters() if p.requires_grad]
    opt = AdamW(params, lr=1e-3)
    sched = StepLR(opt, 10)
    net.head = nn.Linear(4, 2)
    net.extra = nn.Linear(2, 2)
    train(net, opt)
    """
    after = edit_for(
        Finding("m", name="stale-optimizer", location=Location("t", 3), also=Location("t", 5)),
        {"t": dedent(source)},
    ).after
    assert [row.split(" ")[0] for row in after.splitlines()] == [
        "net", "net.head", "net.extra", "params", "opt", "sched", "train(net,",
    ]  # fmt: skip


def test_the_optimizer_gets_the_whole_model():
    source = "net = Net()\nopt = SGD(net.body.parameters(), lr=1)\n"
    assert edited("optimizer-missing-parameters", source, 2, 1, subject="net.head")[1] == (
        "+opt = SGD(net.parameters(), lr=1)"
    )


def test_what_freezes_is_taken_out_with_its_loop():
    source = """\
    net = Net()
    for p in net.parameters():
        p.requires_grad = False
    go()
    """
    assert edited("frozen-model", source, 1) == [
        "-for p in net.parameters():",
        "-    p.requires_grad = False",
    ]


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("net = nn.Sequential(a, nn.Softmax(dim=1))", "net = nn.Sequential(a)"),
        ("return F.softmax(self.head(x), dim=1)", "return self.head(x)"),
        ("return self.head(x).softmax(-1)", "return self.head(x)"),
        ("out = torch.sigmoid(logits)", "out = logits"),
    ],
)
def test_the_only_normaliser_is_taken_out(line, after):
    source = f"def forward(self, x):\n    {line}\n"
    assert edited("double-softmax", source, 2)[1] == f"+    {after}"


def test_text_that_is_no_python_is_left_alone():
    assert edited("missing-zero-grad", "opt.step((\n", 1) is None
