"""A small Transformer encoder, trained from scratch, that names the class of a text.

    python recipes/transformer_encoder_text.py
    python recipes/transformer_encoder_text.py --data reviews.csv --text_column body

Three guards: texts longer than the position table are cut (and counted), padding is masked in the
attention and in the mean, and a row that is all padding gives a finite answer instead of NaN.
"""

from __future__ import annotations

import math
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

    width: int = setting(64, "16 cannot hold the task, 256 memorises a few thousand texts")
    heads: int = setting(4, "16 numbers a head; fewer blur the similarity of two words")
    layers: int = setting(2, "one joins a word with its negation, one weighs the opinions")
    dropout: float = setting(0.1, "0.6 on a small model leaves it with the majority class")
    words: int = setting(20_000, "words seen once teach nothing and are left out anyway")
    longest: int = setting(256, "positions that are learned; longer texts are cut, and counted")
    lr: float = setting(1e-3, "the peak, after a warm-up of one epoch")
    weight_decay: float = setting(1e-4, "1e-2 shrinks a small model faster than it learns")
    smoothing: float = setting(0.05, "real labels are wrong now and then")
    clip: float = setting(1.0, "the first updates of attention layers are large")
    batch: int = setting(32, "small batches: noise that regularises, and many updates an epoch")
    epochs: int = setting(
        15, "an upper bound, and the length of the cosine; early stopping decides"
    )
    patience: int = setting(5, "epochs without a better macro-F1 before training stops")


class TransformerClassifier(nn.Module):
    """Embedding with learned positions, encoder, mean over the words, class scores."""

    def __init__(self, words: int, classes: int, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.longest = settings.longest
        self.embedding = nn.Embedding(words, width, padding_idx=PAD)
        self.positions = nn.Embedding(settings.longest, width)
        # torch starts embeddings at size 1, which attention layers can hardly move; BERT's is 0.02.
        nn.init.normal_(self.embedding.weight[PAD + 1 :], std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, settings.heads, 2 * width, settings.dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, settings.layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores `[batch, classes]` of word indices `[batch, words]`."""
        ids = ids[:, : self.longest]
        padding = ids == PAD
        # Softmax over nothing is NaN: where all is padding, let it attend to the first position.
        masked = padding.clone()
        masked[:, 0] &= ~padding.all(1)
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.dropout(self.embedding(ids) + self.positions(places))
        hidden = self.encoder(hidden, src_key_padding_mask=masked)
        valid = (~padding).unsqueeze(-1)
        mean = (hidden * valid).sum(1) / valid.sum(1).clamp(min=1)
        return self.head(self.dropout(mean))


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
    # More rows than the recurrent recipes get: attention has to learn even that order matters.
    splits = text_splits(settings, reviews(5000), settings.text_column, [settings.label_column])
    vocab = Vocabulary(splits.train[settings.text_column], settings.words)
    train, val, test = (
        Texts(part, settings.text_column, vocab, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    print(f"{splits}; {len(vocab):,} words; {train.shortened} training texts cut short")
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 256, collate_fn=collate)
    test_loader = DataLoader(test, 256, collate_fn=collate)

    model = TransformerClassifier(len(vocab), len(splits.classes), settings).to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=settings.smoothing)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    warmup, steps = len(train_loader), settings.epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_then_cosine(step, warmup, steps)
    )
    scaler = hardware.scaler
    run = Run(
        settings, "transformer_encoder_text", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "words": vocab.words},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = 0.0
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
            scheduler.step()  # after every update: the warm-up is counted in updates
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
