"""The probe `scrambled-layout`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.model_inputs import ModelInputs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("scrambled-layout", Severity.WARNING)
def scrambled_layout(
    inputs: ModelInputs,
    *,
    ratio: float = 2.0,
    image_ratio: float = 1.5,
    noisy_ratio: float = 1.1,
    further: float = 0.1,
) -> Iterator[Finding]:
    """The axes of the inputs were reshaped where they should have been swapped.

    ## What it finds

    Images or sequences whose neighbouring values are unrelated as they reach the model, and related
    when the same memory is read in another layout.

    ## Why it matters

    `reshape` keeps the order of memory: colour values become neighbours in space. A convolution
    then sees noise, and learns it slowly or not at all.

    ## Example

    ```python
    import torch
    from sklearn.datasets import load_sample_images
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    photo = torch.tensor(load_sample_images().images[0]).float() / 255
    corners = torch.randint(0, 380, (400, 2)).tolist()
    x = torch.stack([photo[r : r + 16, c : c + 16] for r, c in corners])
    y = (x[..., 2].mean((1, 2)) > x[..., 0].mean((1, 2))).long()
    x = x.reshape(-1, 3, 16, 16)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from sklearn.datasets import load_sample_images
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    photo = torch.tensor(load_sample_images().images[0]).float() / 255
    corners = torch.randint(0, 380, (400, 2)).tolist()
    x = torch.stack([photo[r : r + 16, c : c + 16] for r, c in corners])
    y = (x[..., 2].mean((1, 2)) > x[..., 0].mean((1, 2))).long()
    x = x.permute(0, 3, 1, 2)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The mean step between neighbouring values of the tensor that enters the first layer is compared
    with the same figure when the memory is read as [height, width, channels], or with the two axes
    of a sequence swapped. At least `ratio` times as rough counts, `image_ratio` for an image. For an
    image `noisy_ratio` is enough where rows as many apart as there are channels are more alike than
    neighbouring ones: their correlation is higher by more than `further`.

    Photographs in their own layout measured 0.4 to 0.6, with noise of a standard deviation of 30 grey
    values 0.9, and noise alone 0.97 to 1.03; reshaped they measured 5 to 7, with that noise 1.6. Discs,
    stripes and tints in noise measured up to 1.03 as they are; reshaped, 1.1 to 5.5, and their rows
    were more alike by 0.15 to 1.4 three rows away than one row away.

    ## When it is wrong

    Data whose neighbours are unrelated in either reading gives a ratio near one, and is quiet. Images of
    stripes as wide as an image has channels.

    ## References

    the documentation of torch.permute and torch.reshape; HHTseng/video-classification#42 on GitHub.
    """
    for row in inputs.rows:
        bound = image_ratio if len(row.shape) > 3 else ratio  # noqa: PLR2004 - [batch, channels, height, width]
        if row.further is not None and row.further > further:
            bound = noisy_ratio
        if row.scrambled is None or row.scrambled < bound:
            continue
        yield Finding(
            f"the inputs of {row.model} are reshaped, not transposed",
            evidence=(
                Evidence(
                    "roughness as it stands, over that of the other reading",
                    number(row.scrambled),
                    f"below {number(bound)}",
                ),
                Evidence("shape that reaches the first layer", f"{list(row.shape)}"),
                Evidence("layout that memory really has", row.layout),
            ),
            location=row.site,
            explains=("flat-loss", "uninformative-labels"),
            subject=row.layer,
            remedy=Remedy("use permute or transpose to move axes, not reshape or view"),
        )
