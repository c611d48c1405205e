"""A bidirectional LSTM with attention over its steps, for imbalanced three-class reviews.

    python recipes/bilstm_attention_text.py
    python recipes/bilstm_attention_text.py --data reviews.parquet --group_column product

Regularised at each stage, because two directions and wide vectors memorise quickly. The rate falls
when the validation score stands still, and class weights keep the rare class in the loss.
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
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    width: int = setting(
        64, "hidden units each way; 256 gives 133 parameters a text, and memorises"
    )
    embedding_dropout: float = setting(0.3, "whole vectors: no single word may decide")
    dropout: float = setting(0.5, "after the LSTM and between the last layers; above 0.8 it hurts")
    words: int = setting(20_000, "words seen once teach nothing and are left out anyway")
    longest: int = setting(256, "words of a text that are read; the rest is cut off, and counted")
    lr: float = setting(2e-3, "falls by half when the score stands still for two epochs")
    weight_decay: float = setting(0.02, "AdamW's, which stays apart from the rate's adaptation")
    smoothing: float = setting(0.1, "neighbouring ratings are often confused by people too")
    clip: float = setting(1.0, "bounds the rare huge gradient of a recurrent layer")
    batch: int = setting(32, "small batches: noise that regularises, and many updates an epoch")
    epochs: int = setting(30, "an upper bound; early stopping decides")
    patience: int = setting(5, "epochs without a better macro-F1 before training stops")


class BiLSTMAttention(nn.Module):
    """Embedding, two-way LSTM, attention over the valid steps, two layers."""

    def __init__(self, words: int, classes: int, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.embedding = nn.Embedding(words, width, padding_idx=PAD)
        self.embedding_norm = nn.LayerNorm(width)
        self.embedding_dropout = nn.Dropout1d(settings.embedding_dropout)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.lstm_norm = nn.LayerNorm(2 * width)
        self.dropout = nn.Dropout(settings.dropout)
        self.attention = nn.Sequential(
            nn.Linear(2 * width, width), nn.Tanh(), nn.Linear(width, 1, bias=False)
        )
        self.head = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Linear(2 * width, width), nn.LayerNorm(width), nn.ReLU(),
            nn.Dropout(settings.dropout), nn.Linear(width, classes),
        )  # fmt: skip

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores `[batch, classes]` of word indices `[batch, words]`."""
        embedded = self.embedding_dropout(self.embedding_norm(self.embedding(ids)))
        packed = pack_padded_sequence(
            embedded, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        steps, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=ids.shape[1]
        )
        steps = self.dropout(self.lstm_norm(steps))
        weights = self.attention(steps).squeeze(-1).masked_fill(ids == PAD, float("-inf"))
        mixed = (weights.softmax(-1).unsqueeze(-1) * steps).sum(1)  # every text has a word
        return self.head(mixed)


@torch.inference_mode()
def evaluate(
    model: nn.Module, loader: DataLoader, device: torch.device, classes: list[str]
) -> dict:
    """Scores over a whole split, not an average over its batches."""
    model.eval()
    targets, predicted = [], []
    for ids, lengths, target in loader:
        predicted += model(ids.to(device), lengths).argmax(-1).tolist()
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
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 256, collate_fn=collate)
    test_loader = DataLoader(test, 256, collate_fn=collate)

    model = BiLSTMAttention(len(vocab), len(splits.classes), settings).to(device)
    # The square root of the inverse frequency: the full inverse trades too much precision away.
    shares = torch.bincount(torch.tensor(train.targets)) / len(train)
    weights = shares.rsqrt() / (shares * shares.rsqrt()).sum()  # 1 for the average text
    criterion = nn.CrossEntropyLoss(weight=weights, label_smoothing=settings.smoothing).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.5, patience=2
    )
    scaler = hardware.scaler
    run = Run(
        settings, "bilstm_attention_text", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "words": vocab.words},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = 0.0
        for ids, lengths, target in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            ids, target = ids.to(device), target.to(device)
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(ids, lengths), target)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(target)
        result = evaluate(model, val_loader, device, splits.classes)
        scheduler.step(result["macro_f1"])
        run.finish_epoch(total / len(train), result)

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
