"""Several labels for one text: an encoder, a deep head, positive weights, a threshold a label.

    python recipes/multilabel_bert.py
    python recipes/multilabel_bert.py --data messages.csv --labels anger joy --checkpoint MODEL

Rare labels get positive weights, because answering "no" to all is right four times in five. The
threshold of each label is searched on the validation split, and kept in summary.json with the
scores of every label. Without `--checkpoint` a small BERT is built and trained from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from kit import scores
from kit.encoders import Collate, EncodedTexts, load_encoder
from kit.run import Run, start
from kit.samples.emotions import SIGNS, emotions
from kit.settings import RunSettings, parse, setting
from kit.tables import text_splits
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import BertConfig, get_linear_schedule_with_warmup


@dataclass(frozen=True)
class Settings(RunSettings):
    """Each value with its reason."""

    text_column: str = setting("text", "column of the texts")
    labels: list[str] = setting(list(SIGNS), "columns of 0 and 1")
    checkpoint: str | None = setting(None, "folder or hub name of the encoder; None builds one")
    longest: int = setting(128, "pieces of a text that are read; the rest is cut off, and counted")
    lr: float | None = setting(None, "2e-5 tunes a checkpoint; 1e-3 from nothing")
    head_lr: float = setting(1e-3, "the head is new: at 2e-5 it would not move in a few epochs")
    weight_decay: float = setting(0.01, "the published value, for matrices only")
    dropout: float = setting(
        0.3, "before the wide layer of the head, and half of it before the next"
    )
    word_dropout: float = setting(0.1, "of the words, in the texts chosen below, become unknown")
    dropout_texts: float = setting(0.3, "share of the texts: most are still seen as they are")
    warmup: float = setting(
        0.1, "share of the updates; Adam's first steps are too sure of themselves"
    )
    clip: float = setting(1.0, "positive weights make some gradients large")
    batch: int = setting(16, "a few examples of each label in most batches")
    epochs: int = setting(20, "an upper bound; early stopping decides")
    patience: int = setting(5, "epochs without a better mean F1 before training stops")


class MultiLabelClassifier(nn.Module):
    """Encoder, first token of the last layer, three layers, a score for each label."""

    def __init__(self, encoder: Any, labels: int, dropout: float) -> None:
        super().__init__()
        wide = encoder.config.hidden_size
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(wide, wide // 2), nn.LayerNorm(wide // 2), nn.GELU(),
            nn.Dropout(dropout / 2), nn.Linear(wide // 2, wide // 4), nn.LayerNorm(wide // 4),
            nn.GELU(), nn.Linear(wide // 4, labels),
        )  # fmt: skip
        for module in self.head:
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores `[batch, labels]`, before the sigmoid, which is part of the loss."""
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        return self.head(output.last_hidden_state[:, 0])


def drop_words(ids: Tensor, tokenizer: Any, settings: Settings) -> Tensor:
    """Some words of some texts replaced by the unknown word; special tokens stay."""
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids, device=ids.device))
    chosen = torch.rand(len(ids), 1, device=ids.device) < settings.dropout_texts
    lost = torch.rand(ids.shape, device=ids.device) < settings.word_dropout
    return ids.masked_fill(lost & chosen & ~special, tokenizer.unk_token_id)


@torch.inference_mode()
def probabilities(
    model: nn.Module, loader: DataLoader, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and probabilities of a whole split, each `[texts, labels]`."""
    model.eval()
    targets, found = [], []
    for batch in loader:
        logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device))
        found.append(logits.float().sigmoid().cpu().numpy())
        targets.append(batch["target"].numpy().astype(int))
    return np.concatenate(targets), np.concatenate(found)


def main() -> None:
    """Train, stop early, choose thresholds on validation, and evaluate on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    labels, column = settings.labels, settings.text_column
    splits = text_splits(settings, emotions(), column, labels)
    fresh = BertConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=settings.longest,
    )  # fmt: skip
    tokenizer, encoder = load_encoder(settings.checkpoint, fresh, splits.train[column])
    encoder.pooler = None  # the head reads the first token itself: this layer would never train
    train, val, test = (
        EncodedTexts(part[column], part[labels].to_numpy(), tokenizer, encoder, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    print(f"{splits}; {train.shortened} training texts at the limit of length")
    collate = Collate(tokenizer, torch.float32)
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 64, collate_fn=collate)
    test_loader = DataLoader(test, 64, collate_fn=collate)

    model = MultiLabelClassifier(encoder, len(labels), settings.dropout).to(device)
    ones = torch.tensor(splits.train[labels].mean().to_numpy(), dtype=torch.float32)
    criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - ones) / ones).to(device)
    base_lr = settings.lr or (2e-5 if settings.checkpoint else 1e-3)
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for one in part.parameters() if (one.dim() > 1) is matrices],
             "lr": rate, "weight_decay": settings.weight_decay if matrices else 0.0}
            for part, rate in ((model.encoder, base_lr), (model.head, settings.head_lr))
            for matrices in (True, False)
        ]
    )  # fmt: skip
    steps = settings.epochs * len(train_loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(settings.warmup * steps), steps)
    scaler = hardware.scaler
    run = Run(
        settings, "multilabel_bert", monitor="macro_f1", patience=settings.patience,
        keep={"labels": labels},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    halves = np.full(len(labels), 0.5)
    tokenizer.save_pretrained(run.out / "tokenizer")  # a checkpoint is of no use without it
    for epoch in run.epochs():
        model.train()
        total = 0.0
        for batch in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            ids, mask, target = (
                batch[name].to(device) for name in ("input_ids", "attention_mask", "target")
            )
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(drop_words(ids, tokenizer, settings), mask), target)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            total += loss.item() * len(target)
        # One threshold while epochs are compared; searched ones would flatter each of them.
        result = scores.multilabel(*probabilities(model, val_loader, device), halves, labels)
        run.finish_epoch(total / len(train), result)

    run.load_best()
    val_found, test_found = (
        probabilities(model, part, device) for part in (val_loader, test_loader)
    )
    thresholds = scores.best_thresholds(*val_found)
    run.summarise(
        splits.counts,
        val=scores.multilabel(*val_found, thresholds, labels),
        test=scores.multilabel(*test_found, thresholds, labels),
        thresholds=dict(zip(labels, thresholds.round(2).tolist(), strict=True)),
    )


if __name__ == "__main__":
    main()
