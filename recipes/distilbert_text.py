"""Fine-tune any Hugging Face encoder (DistilBERT, BERT, RoBERTa, MiniLM) to name a text's class.

    python recipes/distilbert_text.py
    python recipes/distilbert_text.py --data imdb.parquet --checkpoint distilbert-base-uncased
    python recipes/distilbert_text.py --data imdb.parquet --checkpoint ... --base frozen

The text is read off the first token of the last layer, which every encoder has; `pooler_output`
is missing from some, DistilBERT among them. Without `--checkpoint` a small DistilBERT is built
and trained from nothing, so that the recipe runs anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from kit import scores
from kit.encoders import Collate, EncodedTexts, load_encoder
from kit.run import Run, start
from kit.samples.reviews import reviews
from kit.settings import TextSettings, parse, setting
from kit.tables import text_splits
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import DistilBertConfig, get_linear_schedule_with_warmup


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    checkpoint: str | None = setting(None, "folder or hub name of the encoder; None builds one")
    base: Literal["tuned", "frozen"] = setting(
        "tuned", "frozen is the ablation: what the head alone makes of fixed features"
    )
    longest: int = setting(256, "pieces of a text that are read; the rest is cut off, and counted")
    lr: float | None = setting(
        None, "2e-5 tunes a checkpoint, larger forgets it; 1e-3 from nothing or for a head alone"
    )
    weight_decay: float = setting(0.01, "the published value, for matrices only")
    dropout: float = setting(0.1, "before the head; the encoder has its own")
    warmup: float = setting(
        0.1, "share of the updates; Adam's first steps are too sure of themselves"
    )
    clip: float = setting(1.0, "the published value")
    batch: int = setting(16, "32 needs twice the memory and was no better in the BERT paper")
    epochs: int = setting(8, "an upper bound; a checkpoint is best after 2 to 4, then it forgets")
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
    # More rows than the recurrent recipes get: attention has to learn even that order matters.
    splits = text_splits(settings, reviews(5000), settings.text_column, [settings.label_column])
    fresh = DistilBertConfig(
        dim=64, hidden_dim=128, n_layers=2, n_heads=4, max_position_embeddings=settings.longest
    )
    column = settings.text_column
    tokenizer, encoder = load_encoder(settings.checkpoint, fresh, splits.train[column])
    if hasattr(encoder, "pooler"):
        encoder.pooler = None  # the head reads the first token itself: this would never train
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
    if settings.base == "frozen":
        encoder.requires_grad_(False)
    # Built last, from what is left to train: an optimizer made before the head misses the head.
    trained = [one for one in model.parameters() if one.requires_grad]
    tuning = settings.checkpoint is not None and settings.base == "tuned"
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for one in trained if one.dim() > 1]},
            {"params": [one for one in trained if one.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=settings.lr or (2e-5 if tuning else 1e-3),
        weight_decay=settings.weight_decay,
    )
    criterion = nn.CrossEntropyLoss()
    steps = settings.epochs * len(train_loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(settings.warmup * steps), steps)
    scaler = hardware.scaler
    run = Run(
        settings, "distilbert_text", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    tokenizer.save_pretrained(run.out / "tokenizer")  # a checkpoint is of no use without it
    for epoch in run.epochs():
        model.train()
        encoder.train(settings.base == "tuned")  # fixed features must not vary by dropout
        total = 0.0
        for batch in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            ids, mask, target = (
                batch[name].to(device) for name in ("input_ids", "attention_mask", "target")
            )
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(ids, mask), target)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(trained, settings.clip)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            total += loss.item() * len(target)
        run.finish_epoch(total / len(train), evaluate(model, val_loader, device, splits.classes))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
