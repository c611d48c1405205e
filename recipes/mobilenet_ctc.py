"""Sequences of words from sequences of measurements: MobileNetV3-style network, LSTM and CTC.

    python recipes/mobilenet_ctc.py
    python recipes/mobilenet_ctc.py --data clips.csv --features_column path --text_column glosses

Time is down-sampled four times and then up-sampled by a learned layer. A network that pools time
away and expands the result gives CTC the same vector at every step, and cannot learn an order.
Features are arrays `[time, features]`, in `.npy` files that the table names; the transcripts are
words with blanks between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from kit.run import Run, start
from kit.samples.gestures import gestures
from kit.sequences import Clips, Words, collate, decoded, sequence_splits
from kit.settings import RunSettings, parse, setting
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader
from torchmetrics.functional.text import word_error_rate
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(RunSettings):
    """Each value with its reason."""

    features_column: str = setting("features", "arrays, or paths of .npy files beside the table")
    text_column: str = setting("text", "transcripts, words with blanks between them")
    width: int = setting(64, "channels; 128 for thousands of features")
    blocks: int = setting(4, "six are enough for long clips, eleven only made it harder to train")
    dropout: float = setting(0.2, "0.5 was unstable beside CTC")
    lr: float = setting(3e-3, "the peak; 3e-4 for a network ten times as wide")
    warmup: int = setting(2, "epochs; CTC answers with blanks only until the rate is up")
    weight_decay: float = setting(1e-4, "5e-3 kept the loss where it began")
    clip: float = setting(5.0, "CTC's first gradients are large and useful; only outliers are cut")
    batch: int = setting(16, "clips; padding grows with it")
    epochs: int = setting(16, "an upper bound, and the length of the cosine")
    patience: int = setting(6, "longer than the first phase, in which CTC answers with blanks only")


def halved(lengths: Tensor) -> Tensor:
    """Steps after a convolution of stride 2."""
    return (lengths + 1) // 2


def valid(hidden: Tensor, lengths: Tensor) -> Tensor:
    """1 where a clip has steps, 0 behind its end: `[batch, 1, time]`."""
    steps = torch.arange(hidden.shape[-1], device=hidden.device)
    return (steps < lengths.to(hidden.device).unsqueeze(1)).unsqueeze(1).to(hidden.dtype)


class FrameNorm(nn.LayerNorm):
    """Layer normalisation of each step. Batch statistics would count the padding."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Input and output `[batch, channels, time]`."""
        return super().forward(hidden.transpose(1, 2)).transpose(1, 2)


class InvertedResidual(nn.Module):
    """MobileNetV3's block in one dimension: widen, filter each channel, re-weight, narrow."""

    def __init__(self, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        wide = 2 * width
        self.stride = stride
        self.widen = nn.Sequential(nn.Conv1d(width, wide, 1), FrameNorm(wide), nn.Hardswish())
        self.filter = nn.Conv1d(wide, wide, 5, stride, padding=2, groups=wide)
        self.norm = nn.Sequential(FrameNorm(wide), nn.Hardswish())
        self.excite = nn.Sequential(
            nn.Linear(wide, wide // 4), nn.ReLU(), nn.Linear(wide // 4, wide), nn.Hardsigmoid()
        )
        self.narrow = nn.Sequential(
            nn.Conv1d(wide, width, 1), FrameNorm(width), nn.Dropout(dropout)
        )

    def forward(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Steps `[batch, channels, time]` and how many of them each clip has."""
        wide = self.widen(hidden) * valid(hidden, lengths)
        wide = self.norm(self.filter(wide))
        lengths = halved(lengths) if self.stride > 1 else lengths
        mask = valid(wide, lengths)
        mean = (wide * mask).sum(-1) / mask.sum(-1)  # of the clip, whatever its padding
        narrow = self.narrow(wide * self.excite(mean).unsqueeze(-1)) * mask
        return (narrow if self.stride > 1 else hidden + narrow), lengths


class MobileNetCTC(nn.Module):
    """Stem, blocks, learned up-sampling, two-way LSTM, log-probabilities of words and blank."""

    def __init__(self, features: int, words: int, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.stem = nn.Conv1d(features, width, 3, stride=2, padding=1)
        strides = [2, *[1] * (settings.blocks - 1)]  # with the stem: four times fewer steps
        self.blocks = nn.ModuleList(
            InvertedResidual(width, stride, settings.dropout) for stride in strides
        )
        self.rise = nn.ConvTranspose1d(width, width, 4, stride=2, padding=1)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(2 * width, words)

    @staticmethod
    def steps(lengths: Tensor) -> Tensor:
        """Output steps of clips with so many input steps."""
        return 2 * halved(halved(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities `[time, batch, words]` of `[batch, time, features]`, and lengths."""
        hidden, steps = self.stem(features.transpose(1, 2)), halved(lengths)
        hidden = nn.functional.hardswish(hidden) * valid(hidden, steps)
        for block in self.blocks:
            hidden, steps = block(hidden, steps)
        steps = 2 * steps
        risen = nn.functional.hardswish(self.rise(hidden)).transpose(1, 2)
        packed = pack_padded_sequence(
            self.dropout(risen), steps.cpu(), batch_first=True, enforce_sorted=False
        )
        read, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        scores = self.head(self.dropout(read))
        return scores.float().log_softmax(-1).transpose(0, 1), steps  # CTC wants full precision


@torch.inference_mode()
def evaluate(model: nn.Module, loader: DataLoader, device: torch.device, words: Words) -> dict:
    """Word error rate over a whole split, and how often a clip was read without error."""
    model.eval()
    said, meant = [], []
    for features, lengths, targets, target_lengths in loader:
        log_probs, steps = model(features.to(device), lengths)
        said += decoded(log_probs.cpu(), steps, words)
        meant += [" ".join(words.decode(row)) for row in targets.split(target_lengths.tolist())]
    right = float(np.mean([one == other for one, other in zip(said, meant, strict=True)]))
    return {"word_error_rate": float(word_error_rate(said, meant)), "clips_right": right}


def warmup_then_cosine(step: int, warmup: int, steps: int) -> float:
    """Share of the peak rate at an update; the first one already moves."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


def main() -> None:
    """Train, stop early, and evaluate the best epoch on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    splits = sequence_splits(settings, gestures(), MobileNetCTC.steps)
    words = Words(splits.train[settings.text_column])
    words.check(splits.train[settings.text_column])
    train, val, test = (
        Clips(part, settings, words) for part in (splits.train, splits.val, splits.test)
    )
    mean, spread = train.statistics()
    for part in (train, val, test):  # each feature on one scale, measured on training clips
        part.scale(mean, spread)
    print(f"{splits}; {len(words.words)} words with blank and unknown; {len(mean)} features")
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 64, collate_fn=collate)
    test_loader = DataLoader(test, 64, collate_fn=collate)

    model = MobileNetCTC(len(mean), len(words.words), settings).to(device)
    criterion = nn.CTCLoss(blank=Words.BLANK)  # too short clips are gone: infinity must show
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    batches = len(train_loader)
    warmup, steps = settings.warmup * batches, settings.epochs * batches
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_then_cosine(step, warmup, steps)
    )
    scaler = hardware.scaler
    run = Run(
        settings, "mobilenet_ctc", monitor="word_error_rate", mode="min",
        patience=settings.patience, keep={"words": words.words, "mean": mean, "spread": spread},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = 0.0
        progress = tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None)
        for features, lengths, targets, target_lengths in progress:
            optimizer.zero_grad()
            with hardware.autocast():
                log_probs, input_lengths = model(features.to(device), lengths)
                loss = criterion(log_probs, targets.to(device), input_lengths, target_lengths)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            total += loss.item() * len(lengths)
        run.finish_epoch(total / len(train), evaluate(model, val_loader, device, words))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, words),
        test=evaluate(model, test_loader, device, words),
    )


if __name__ == "__main__":
    main()
