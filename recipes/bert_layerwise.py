"""Fine-tune BERT with a rate for each depth, its lowest layers frozen, so that it forgets little.

    python recipes/bert_layerwise.py
    python recipes/bert_layerwise.py --data reviews.parquet --checkpoint bert-base-uncased

With one rate for all layers BERT's validation score peaks early and then declines: what it knew is
overwritten. Here the embeddings and the lowest layers stay as they are, the others move less the
deeper they lie, the rate warms up, and the best epoch is the one that is kept. Batches are
accumulated, each loss divided by the size of its group. Without `--checkpoint` a small BERT is
built; it knows nothing that could be forgotten, so nothing of it is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from kit import scores
from kit.encoders import Collate, EncodedTexts, load_encoder
from kit.run import Run, start
from kit.samples.requests import requests
from kit.settings import TextSettings, parse, refuse, setting
from kit.tables import text_splits
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import BertConfig, get_linear_schedule_with_warmup


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    checkpoint: str | None = setting(None, "folder or hub name of the encoder; None builds one")
    frozen_share: float = setting(0.34, "of a checkpoint's layers, from below: 4 of BERT's 12")
    longest: int = setting(256, "pieces of a text that are read; the rest is cut off, and counted")
    lr: float | None = setting(None, "of the top layer: 2e-5 for a checkpoint, 1e-3 from nothing")
    depth_decay: float = setting(0.9, "each layer further down moves this much less than the next")
    head_factor: float = setting(2.5, "the head is new and may move faster than what is trained")
    weight_decay: float = setting(0.01, "the published value, for matrices only")
    dropout: float = setting(0.3, "before the head, which is all that a small data set trains anew")
    warmup: float = setting(
        0.1, "share of the updates; Adam's first steps are too sure of themselves"
    )
    clip: float = setting(1.0, "the published value")
    batch: int = setting(8, "what fits beside BERT in 8 GB")
    accumulate: int = setting(2, "batches an update: 16 texts, of which 8 are in memory at once")
    epochs: int = setting(8, "an upper bound; a checkpoint is best after 2 to 4")
    patience: int = setting(2, "epochs without a better macro-F1 before training stops")


class EncoderClassifier(nn.Module):
    """Encoder, first token of the last layer, class scores."""

    def __init__(self, encoder: Any, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(encoder.config.hidden_size, classes)
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores `[batch, classes]`."""
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        return self.head(output.last_hidden_state[:, 0])


def parameter_groups(model: EncoderClassifier, top: float, settings: Settings) -> list[dict]:
    """One group of matrices and one of vectors for each depth; frozen depths have none."""
    layers = model.encoder.encoder.layer
    frozen = int(settings.frozen_share * len(layers)) if settings.checkpoint else 0
    depths = [*layers, model.head]
    if frozen == 0:
        depths.insert(0, model.encoder.embeddings)
    for module in (model.encoder.embeddings, *layers) if frozen else ():
        module.requires_grad_(module in list(layers[frozen:]))
    groups = []
    for below, module in enumerate(reversed(depths)):
        rate = top * (settings.head_factor if below == 0 else settings.depth_decay ** (below - 1))
        own = [one for one in module.parameters() if one.requires_grad]
        groups += [
            {"params": [one for one in own if one.dim() > 1], "lr": rate},
            {"params": [one for one in own if one.dim() <= 1], "lr": rate, "weight_decay": 0.0},
        ]
    return [group for group in groups if group["params"]]


@torch.inference_mode()
def evaluate(
    model: nn.Module, loader: DataLoader, device: torch.device, classes: list[str]
) -> dict:
    """Scores over a whole split, not an average over its batches."""
    model.eval()
    targets, predicted = [], []
    for batch in loader:
        logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device))
        predicted += logits.argmax(-1).tolist()
        targets += batch["target"].tolist()
    return scores.classification(targets, predicted, classes)


def main() -> None:
    """Train, stop early, and evaluate the best epoch on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    splits = text_splits(settings, requests(), settings.text_column, [settings.label_column])
    fresh = BertConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=settings.longest,
    )  # fmt: skip
    column = settings.text_column
    tokenizer, encoder = load_encoder(settings.checkpoint, fresh, splits.train[column])
    if not hasattr(encoder, "embeddings") or not hasattr(encoder, "encoder"):
        refuse(f"--checkpoint {settings.checkpoint}: layers are not named as in BERT or RoBERTa")
    encoder.pooler = None  # the head reads the first token itself: this layer would never train
    train, val, test = (
        EncodedTexts(part[column], part.target, tokenizer, encoder, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    print(f"{splits}; {train.shortened} training texts at the limit of length")
    collate = Collate(tokenizer)
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 64, collate_fn=collate)
    test_loader = DataLoader(test, 64, collate_fn=collate)

    model = EncoderClassifier(encoder, len(splits.classes), settings.dropout).to(device)
    top = settings.lr or (2e-5 if settings.checkpoint else 1e-3)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, top, settings), weight_decay=settings.weight_decay
    )
    shares = torch.bincount(torch.tensor(train.targets)) / len(train)
    weights = shares.rsqrt() / (shares * shares.rsqrt()).sum()  # rare classes count somewhat more
    criterion = nn.CrossEntropyLoss(weight=weights).to(device)
    updates = settings.epochs * -(-len(train_loader) // settings.accumulate)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(settings.warmup * updates), updates)
    scaler = hardware.scaler
    run = Run(
        settings, "bert_layerwise", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    tokenizer.save_pretrained(run.out / "tokenizer")  # a checkpoint is of no use without it
    for epoch in run.epochs():
        model.train()
        total = 0.0
        batches = len(train_loader)
        progress = tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None)
        for number, batch in enumerate(progress):
            ids, mask, target = (
                batch[name].to(device) for name in ("input_ids", "attention_mask", "target")
            )
            first = number - number % settings.accumulate
            group = min(settings.accumulate, batches - first)  # the last group may be smaller
            with hardware.autocast():
                loss = criterion(model(ids, mask), target)
            scaler.scale(loss / group).backward()
            total += loss.item() * len(target)
            if number + 1 == first + group:
                scaler.unscale_(optimizer)  # clipping must see the true gradients
                nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
                scaler.step(optimizer)
                scaler.update()
                scheduler.step()
                optimizer.zero_grad()
        run.finish_epoch(total / len(train), evaluate(model, val_loader, device, splits.classes))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
