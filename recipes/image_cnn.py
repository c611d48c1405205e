"""A small residual network for pictures, trained from scratch.

    python recipes/image_cnn.py
    python recipes/image_cnn.py --data pictures.csv --image_column path --side 64

The table names the picture files, beside it or below it. Equal pictures stay in one split; only
training pictures are shifted and mirrored. On a few hundred photographs a network that was trained
before on millions is worth far more than any setting here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from kit import scores
from kit.pictures import picture_splits, pictures
from kit.run import Run, start
from kit.samples.shapes import SIDE, shapes
from kit.settings import RunSettings, parse, setting
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(RunSettings):
    """Each value with its reason."""

    image_column: str = setting("image", "paths of the picture files, relative to the table")
    label_column: str = setting("label", "column of the classes, of any type")
    side: int = setting(SIDE, "pictures are cropped to their middle square and scaled to this")
    width: int = setting(24, "channels of the first stage; doubled when the picture is halved")
    mirror: bool = setting(True, "left and right do not matter; not so for letters and digits")
    shift: int = setting(4, "pixels; the class does not depend on the place")
    lr: float = setting(3e-3, "the peak of one cycle: up in a quarter of the updates, then down")
    weight_decay: float = setting(5e-3, "the cycle's high rates regularise as well")
    smoothing: float = setting(0.05, "keeps the scores of few pictures from running away")
    batch: int = setting(32, "batch statistics need more than a few pictures")
    epochs: int = setting(12, "the length of the cycle; its low end gives the best epochs")
    patience: int = setting(6, "half the cycle: while the rate is high the score may stand still")


class Residual(nn.Module):
    """Two convolutions, added to a short cut that is as wide and as large as their result."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.short = nn.Identity() if stride == 1 and inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )  # fmt: skip

    def forward(self, hidden: Tensor) -> Tensor:
        """Input and output `[batch, channels, height, width]`."""
        return (self.body(hidden) + self.short(hidden)).relu()


def network(classes: int, width: int) -> nn.Sequential:
    """Stem, three stages, mean over the picture, class scores."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        Residual(width, width, 2), Residual(width, 2 * width, 2), Residual(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, classes),
    )  # fmt: skip


def varied(images: Tensor, settings: Settings) -> Tensor:
    """Each picture shifted on its own, and every other one mirrored."""
    count, side = len(images), images.shape[-1]
    if settings.mirror:
        turned = torch.rand(count, 1, 1, 1, device=images.device) < 0.5  # noqa: PLR2004 - half
        images = torch.where(turned, images.flip(-1), images)
    if settings.shift == 0:
        return images
    room = nn.functional.pad(images, [settings.shift] * 4, mode="reflect")
    start = torch.randint(0, 2 * settings.shift + 1, (2, count, 1), device=images.device)
    rows, columns = start + torch.arange(side, device=images.device)
    one = torch.arange(count, device=images.device)[:, None, None]
    return room[one, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@torch.inference_mode()
def evaluate(
    model: nn.Module, loader: DataLoader, device: torch.device, classes: list[str]
) -> dict:
    """Scores over a whole split, not an average over its batches."""
    model.eval()
    targets, predicted = [], []
    for images, target in loader:
        predicted += model(images.to(device)).argmax(-1).tolist()
        targets += target.tolist()
    return scores.classification(targets, predicted, classes)


def main() -> None:
    """Train, stop early, and evaluate the best epoch on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    splits = picture_splits(settings, shapes())
    raw = [
        pictures(part, settings.image_column) for part in (splits.train, splits.val, splits.test)
    ]
    mean, spread = raw[0].mean((0, 2, 3)), raw[0].std((0, 2, 3))  # of the training pictures
    train, val, test = (
        TensorDataset((images - mean[:, None, None]) / spread[:, None, None],
                      torch.tensor(part.target.to_numpy()))
        for images, part in zip(raw, (splits.train, splits.val, splits.test), strict=True)
    )  # fmt: skip
    print(splits)
    # A last batch of one picture would have no batch statistics, so a partial batch is left out.
    train_loader = DataLoader(
        train, settings.batch, shuffle=True, drop_last=len(train) > settings.batch
    )
    val_loader = DataLoader(val, 256)
    test_loader = DataLoader(test, 256)

    model = network(len(splits.classes), settings.width).to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=settings.smoothing)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.lr, total_steps=settings.epochs * len(train_loader), pct_start=0.25
    )
    scaler = hardware.scaler
    run = Run(
        settings, "image_cnn", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "mean": mean, "spread": spread},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = seen = 0.0
        for images, target in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            images, target = varied(images.to(device), settings), target.to(device)
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(images), target)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            total, seen = total + loss.item() * len(target), seen + len(target)
        run.finish_epoch(total / seen, evaluate(model, val_loader, device, splits.classes))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
