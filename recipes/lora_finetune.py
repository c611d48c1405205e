"""Fine-tune an encoder by low-rank adapters (LoRA, with the peft library) and a new head.

    python recipes/lora_finetune.py
    python recipes/lora_finetune.py --data reviews.csv --checkpoint bert-base-uncased

The encoder stays as it is; every linear layer inside it gets two small matrices whose product is
added. A hundredth of the parameters trains, so the optimizer needs little memory, and one base can
carry many tasks. Without `--checkpoint` a small BERT is built; its layers are then random, and what
the adapters make of them is the demonstration. The checkpoint of the best epoch holds all weights.
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

try:
    from peft import LoraConfig, get_peft_model
except ImportError:
    refuse("lora_finetune needs the peft library: pip install 'mldoctor[recipes]'")


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    checkpoint: str | None = setting(None, "folder or hub name of the encoder; None builds one")
    rank: int = setting(8, "of the adapters; more adds parameters and rarely a better score")
    alpha: int = setting(16, "scale of the adapters: alpha / rank = 2, as is usual")
    longest: int = setting(256, "pieces of a text that are read; the rest is cut off, and counted")
    lr: float = setting(
        2e-3, "adapters start at zero and bear a hundred times a full tuning's rate"
    )
    weight_decay: float = setting(0.01, "AdamW's default")
    dropout: float = setting(0.1, "on the adapters and before the head")
    warmup: float = setting(
        0.1, "share of the updates; Adam's first steps are too sure of themselves"
    )
    clip: float = setting(1.0, "the published value")
    batch: int = setting(16, "32 was no better in the BERT paper")
    epochs: int = setting(12, "an upper bound; early stopping decides")
    patience: int = setting(3, "epochs without a better macro-F1 before training stops")


class EncoderClassifier(nn.Module):
    """Encoder with adapters, first token of the last layer, class scores."""

    def __init__(self, encoder: Any, classes: int, settings: Settings) -> None:
        super().__init__()
        adapters = LoraConfig(
            r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout,
            target_modules="all-linear",
        )  # fmt: skip
        self.encoder = get_peft_model(encoder, adapters)  # freezes everything but the adapters
        self.head = nn.Sequential(
            nn.Dropout(settings.dropout), nn.Linear(encoder.config.hidden_size, classes)
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
    splits = text_splits(settings, requests(), settings.text_column, [settings.label_column])
    fresh = BertConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=settings.longest,
    )  # fmt: skip
    column = settings.text_column
    tokenizer, encoder = load_encoder(settings.checkpoint, fresh, splits.train[column])
    if hasattr(encoder, "pooler"):
        encoder.pooler = None  # the head reads the first token itself: this would never train
    train, val, test = (
        EncodedTexts(part[column], part.target, tokenizer, encoder, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    collate = Collate(tokenizer)
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 64, collate_fn=collate)
    test_loader = DataLoader(test, 64, collate_fn=collate)

    model = EncoderClassifier(encoder, len(splits.classes), settings).to(device)
    trained = [one for one in model.parameters() if one.requires_grad]
    few, all_ = sum(map(Tensor.numel, trained)), sum(map(Tensor.numel, model.parameters()))
    print(f"{splits}; {few:,} of {all_:,} parameters train")
    optimizer = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=settings.weight_decay)
    criterion = nn.CrossEntropyLoss()
    steps = settings.epochs * len(train_loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(settings.warmup * steps), steps)
    scaler = hardware.scaler
    run = Run(
        settings, "lora_finetune", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
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
