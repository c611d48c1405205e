"""A convolutional network over words (TextCNN) with focal loss, for imbalanced reviews.

    python recipes/textcnn.py
    python recipes/textcnn.py --data reviews.parquet --group_column product

A constant rate of 1e-3 without clipping makes this network's loss jump. Here the rate falls in
cosine cycles, the gradient norm is bounded, and the pooled features are normalised: after the
pooling, so that padding never enters the batch statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from kit import scores
from kit.run import Run, start
from kit.samples.reviews import reviews
from kit.settings import TextSettings, parse, setting
from kit.tables import text_splits
from kit.words import PAD, Texts, Vocabulary, collate
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    width: int = setting(64, "of the word vectors; they are learned from this data alone")
    filters: int = setting(64, "patterns of each size; 100 is the published choice for more data")
    sizes: list[int] = setting([1, 3, 5], "odd, so that a window has a middle word")
    dropout: float = setting(0.5, "the published value; the only strong regulariser here")
    words: int = setting(20_000, "words seen once teach nothing and are left out anyway")
    longest: int = setting(256, "words of a text that are read; the rest is cut off, and counted")
    lr: float = setting(2e-3, "the top of each cosine cycle; the bottom is 1e-6")
    weight_decay: float = setting(0.01, "AdamW's default")
    gamma: float = setting(2.0, "focal loss: how much less a text counts that is already right")
    clip: float = setting(1.0, "without it single batches reached fifteen times the mean norm")
    batch: int = setting(64, "batch statistics need more than a few texts")
    epochs: int = setting(35, "cycles of 5, 10 and 20 epochs; early stopping decides")
    patience: int = setting(7, "longer than the first cycle, whose restart costs some score")


class TextCNN(nn.Module):
    """Embedding, windows of several sizes, maximum over the words, class scores."""

    def __init__(self, words: int, classes: int, settings: Settings) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, settings.width, padding_idx=PAD)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(settings.width, settings.filters, size, padding=size // 2)
            for size in settings.sizes
        )
        features = settings.filters * len(settings.sizes)
        self.norm = nn.BatchNorm1d(features)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(features, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores `[batch, classes]` of word indices `[batch, words]`."""
        embedded = self.embedding(ids).transpose(1, 2)
        padding = (ids == PAD).unsqueeze(1)
        pooled = [
            convolution(embedded).relu().masked_fill(padding, 0.0).amax(-1)
            for convolution in self.convolutions
        ]
        return self.head(self.dropout(self.norm(torch.cat(pooled, 1))))


class FocalLoss(nn.Module):
    """Cross-entropy with less weight on texts that are already right, and more on rare classes."""

    def __init__(self, weights: Tensor, gamma: float) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over the batch."""
        surprise = nn.functional.cross_entropy(logits, target, reduction="none")
        doubt = 1 - torch.exp(-surprise)  # one minus the probability of the right class
        return (self.weights[target] * doubt**self.gamma * surprise).mean()


@torch.inference_mode()
def evaluate(
    model: nn.Module, loader: DataLoader, device: torch.device, classes: list[str]
) -> dict:
    """Scores over a whole split, not an average over its batches."""
    model.eval()
    targets, predicted = [], []
    for ids, _, target in loader:
        predicted += model(ids.to(device)).argmax(-1).tolist()
        targets += target.tolist()
    return scores.classification(targets, predicted, classes)


def main() -> None:
    """Train, stop early, and evaluate the best epoch on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    sample = reviews(neutral=0.132)  # the rare class of real reviews
    splits = text_splits(settings, sample, settings.text_column, [settings.label_column])
    vocab = Vocabulary(splits.train[settings.text_column], settings.words)
    train, val, test = (
        Texts(part, settings.text_column, vocab, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    print(f"{splits}; {len(vocab):,} words; {train.shortened} training texts cut short")
    # A last batch of one text would have no batch statistics, so a partial batch is left out.
    train_loader = DataLoader(
        train, settings.batch, shuffle=True, drop_last=len(train) > settings.batch,
        collate_fn=collate,
    )  # fmt: skip
    val_loader = DataLoader(val, 256, collate_fn=collate)
    test_loader = DataLoader(test, 256, collate_fn=collate)

    model = TextCNN(len(vocab), len(splits.classes), settings).to(device)
    shares = torch.bincount(torch.tensor(train.targets)) / len(train)
    criterion = FocalLoss(1 / (len(shares) * shares), settings.gamma).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=5, T_mult=2, eta_min=1e-6
    )
    scaler = hardware.scaler
    run = Run(
        settings, "textcnn", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "words": vocab.words},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = seen = 0.0
        for ids, _, target in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            ids, target = ids.to(device), target.to(device)
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(ids), target)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            total, seen = total + loss.item() * len(target), seen + len(target)
        scheduler.step()  # once an epoch: the cycles are counted in epochs
        run.finish_epoch(total / seen, evaluate(model, val_loader, device, splits.classes))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
