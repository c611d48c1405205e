"""The probe `temporal-collapse`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.sequence_axes import CONSTANT
from mldoctor.facts.time_variation import SHIFT_SHARE, TimeVariation
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("temporal-collapse", Severity.ERROR)
def temporal_collapse(variation: TimeVariation) -> Iterator[Finding]:
    """The features of a sequence are the same at every time step.

    ## What it finds

    A model that maps a sequence to a sequence, with a place inside where the features no longer differ
    from one time step to the next, through which everything it knows of its input passes, and which
    does not tell where in time anything was: pooled away, then expanded again.

    ## Why it matters

    No frame-wise label, alignment or transcription can be learned from it. A recurrent layer behind
    the collapse makes the output vary in time and hides the loss. The project behind
    examples/ctc_temporal_collapse stood at a word error rate of 100 %.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(200, 12, 8)
    y = (x[:, :, 0] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(8, 32, 3, padding=1)
            self.pool = nn.AdaptiveAvgPool1d(1)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            features = self.pool(torch.relu(self.conv(x.transpose(1, 2))))
            return self.head(features.expand(-1, -1, x.shape[1]).transpose(1, 2))

    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb).transpose(1, 2), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(200, 12, 8)
    y = (x[:, :, 0] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(8, 32, 3, padding=1)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            return self.head(torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2))

    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb).transpose(1, 2), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode while every module boundary is watched. At a boundary that
    is constant over time, the samples are swapped and only this tensor is kept: if the output stays
    what it was, all information passes there. It does not tell time if it is the mean or the maximum
    over time of the tensor before it, or if it hardly moves when the input is shifted in time. Models
    with one output per sequence are not concerned.

    ## When it is wrong

    An auto-encoder whose bottleneck is a mean over time by design. One whose bottleneck is a recurrent
    state tells time, and is quiet.

    ## References

    examples/ctc_temporal_collapse.
    """
    for model in variation.models:
        if not model.passes_all or (model.shift_effect >= SHIFT_SHARE and not model.pooled):
            continue
        yield Finding(
            f"time is lost at {model.collapsed_at} ({model.collapsed_class})"[:79],
            evidence=(
                Evidence(
                    "deviation over time behind it, relative",
                    f"below {CONSTANT:g}",
                    f"above, as in the input ({number(model.input_variation)})",
                ),
                Evidence(
                    "time steps of input and output", f"{model.steps_in} and {model.steps_out}"
                ),
                Evidence("mean or maximum over time of what came before", "yes", "no")
                if model.pooled
                else Evidence(
                    "effect of a shift of the input by half its length",
                    f"{model.shift_effect:.1%} of that of another sample",
                    f"above {SHIFT_SHARE:.0%}",
                ),
                Evidence(
                    "output when samples are swapped and this tensor is kept",
                    "unchanged",
                    "changed",
                ),
            ),
            location=model.collapsed_built or model.site,
            also=model.site if model.collapsed_built else None,
            explains=("cannot-overfit", "flat-loss", "input-independent-learning"),
            subject=model.collapsed_at,
            remedy=Remedy(
                "keep the time axis: pool less, or learn the up-sampling (ConvTranspose1d)",
                recipe="mobilenet_ctc",
            ),
        )
