"""The probe `ctc-length-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.ctc_calls import CtcCall, CtcCalls
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("ctc-length-mismatch", Severity.ERROR)
def ctc_length_mismatch(
    calls: CtcCalls, *, max_infeasible: float = 0.05, max_off: float = 0.05
) -> Iterator[Finding]:
    """The CTC loss is given lengths, a layout, a blank or values that it cannot align.

    ## What it finds

    Inputs with fewer frames than their target needs, a target that contains the blank, batch and time
    in the wrong order or exchanged by a reshape, or raw scores where logarithms of probabilities are
    wanted.

    ## Why it matters

    A target that does not fit has an infinite loss, or none at all with `zero_infinity`. A blank among
    the labels, or scores that were not normalised, raise no error: the loss falls, and nothing is
    learned.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    codes = torch.randn(6, 8)
    rows = []
    for n in torch.randint(2, 5, (400,)).tolist():
        letters = torch.randint(1, 6, (n,))
        rows.append((codes[letters].repeat_interleave(4, 0) + 0.3 * torch.randn(4 * n, 8), letters))

    def collate(batch):
        frames, letters = zip(*batch)
        lengths = torch.tensor([len(f) for f in frames]), torch.tensor([len(t) for t in letters])
        return nn.utils.rnn.pad_sequence(frames, True), torch.cat(letters), *lengths

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(8, 48, 3, padding=1)
            self.head = nn.Linear(48, 6)

        def forward(self, x):
            x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
            return self.head(x)

    loader = DataLoader(rows, batch_size=20, shuffle=True, collate_fn=collate)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for x, letters, frames, counts in loader:
            optimizer.zero_grad()
            loss = nn.functional.ctc_loss(model(x).transpose(0, 1), letters, frames, counts)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    codes = torch.randn(6, 8)
    rows = []
    for n in torch.randint(2, 5, (400,)).tolist():
        letters = torch.randint(1, 6, (n,))
        rows.append((codes[letters].repeat_interleave(4, 0) + 0.3 * torch.randn(4 * n, 8), letters))

    def collate(batch):
        frames, letters = zip(*batch)
        lengths = torch.tensor([len(f) for f in frames]), torch.tensor([len(t) for t in letters])
        return nn.utils.rnn.pad_sequence(frames, True), torch.cat(letters), *lengths

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(8, 48, 3, padding=1)
            self.head = nn.Linear(48, 6)

        def forward(self, x):
            x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
            return self.head(x).log_softmax(2)

    loader = DataLoader(rows, batch_size=20, shuffle=True, collate_fn=collate)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for x, letters, frames, counts in loader:
            optimizer.zero_grad()
            loss = nn.functional.ctc_loss(model(x).transpose(0, 1), letters, frames, counts)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The arguments of the first calls. A target needs one frame for each label and one more between two
    equal ones. Reported is any sample that does not fit, or with `zero_infinity` more than a share of
    `max_infeasible` of them; any blank among the labels; and frames whose probabilities sum to
    something else than 1, by more than `max_off` in the logarithm. The autograd graph tells a reshape
    from `[batch, time, classes]` to `[time, batch, classes]` from a transpose.

    ## When it is wrong

    A corpus with a few bad transcripts and `zero_infinity` is left alone below the share.

    ## References

    PyTorch documentation of CTCLoss: shapes, blank, zero_infinity. Graves et al., Connectionist
    Temporal Classification (2006).
    """
    for row in calls.rows:
        fault = _fault(row, max_infeasible, max_off)
        if fault is None:
            continue
        message, evidence, advice = fault
        yield Finding(
            message,
            evidence=(
                *evidence,
                Evidence(
                    "shape of the prediction",
                    " x ".join(map(str, row.shape)),
                    "time x batch x classes",
                ),
                Evidence(
                    "first loss", number(row.value) if row.value is not None else row.error[:80]
                ),
            ),
            location=row.location,
            explains=(*UNLEARNABLE, "loss-input-mismatch", "unguarded-log"),
            subject="loss",
            remedy=Remedy(advice, recipe="mobilenet_ctc"),
        )


def _fault(
    row: CtcCall, max_infeasible: float, max_off: float
) -> tuple[str, tuple[Evidence, ...], str] | None:
    """The message, what was measured, and the cure, or None for a sound call."""
    if row.error:
        turned = len(row.shape) > 1 and row.shape[0] == row.lengths != row.shape[1]
        if "length" not in row.error or not turned:
            return None
        return (
            "ctc_loss is given the batch as the first axis",
            (Evidence("input lengths", str(row.lengths), f"{row.shape[1]} (second axis)"),),
            "transpose the prediction to [time, batch, classes]",
        )
    if row.reshaped:
        return (
            "the batch and time of ctc_loss are exchanged by a reshape",
            (Evidence("first axis", "made by a reshape", "by a transpose"),),
            "transpose the prediction to [time, batch, classes]: a reshape mixes the samples",
        )
    if row.blanks:
        return (
            f"the blank of ctc_loss, index {row.blank}, is also a label",
            (Evidence("labels that are the blank", f"{row.blanks} of {row.labels}", "0"),),
            "give the blank an index of its own and shift the labels",
        )
    if row.infeasible > (max_infeasible * row.samples if row.zero_infinity else 0):
        return (
            "targets of ctc_loss need more frames than their inputs have",
            (
                Evidence("samples that do not fit", f"{row.infeasible} of {row.samples}", "0"),
                Evidence("frames of the worst of them", str(row.frames), f"at least {row.needed}"),
                Evidence("zero_infinity", str(row.zero_infinity)),
            ),
            "give the lengths after all strides, and subsample the time less",
        )
    if row.off > max_off:
        return (
            "ctc_loss is given scores where it wants log-probabilities",
            (Evidence("log of the summed probabilities of a frame", number(row.off), "0"),),
            "apply log_softmax over the classes first",
        )
    return None
