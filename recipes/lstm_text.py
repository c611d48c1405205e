"""An LSTM that reads a text and names its class, from the state at the last word.

    python recipes/lstm_text.py
    python recipes/lstm_text.py --data reviews.csv --text_column body --label_column stars

The sequences are packed, so that the final state is that of the last word and never of padding.
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
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    width: int = setting(64, "16 cannot hold the task, 256 memorises a few thousand texts")
    dropout: float = setting(0.3, "0.6 on a small model leaves it with the majority class")
    words: int = setting(20_000, "words seen once teach nothing and are left out anyway")
    longest: int = setting(256, "words of a text that are read; the rest is cut off, and counted")
    lr: float = setting(3e-3, "Adam's usual 1e-3 also works, and takes three times the epochs")
    weight_decay: float = setting(1e-4, "1e-2 shrinks a small model faster than it learns")
    smoothing: float = setting(0.05, "real labels are wrong now and then")
    clip: float = setting(1.0, "bounds the rare huge gradient of a recurrent layer")
    batch: int = setting(32, "small batches: noise that regularises, and many updates an epoch")
    epochs: int = setting(20, "an upper bound; early stopping decides")
    patience: int = setting(4, "epochs without a better macro-F1 before training stops")


class LSTMClassifier(nn.Module):
    """Embedding, LSTM, last state, class scores."""

    def __init__(self, words: int, classes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=PAD)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores `[batch, classes]` of word indices `[batch, words]`."""
        embedded = self.dropout(self.embedding(ids))
        packed = pack_padded_sequence(
            embedded, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)  # the state after each text's own last word
        return self.head(self.dropout(last[-1]))


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
    splits = text_splits(settings, reviews(), settings.text_column, [settings.label_column])
    vocab = Vocabulary(splits.train[settings.text_column], settings.words)
    train, val, test = (
        Texts(part, settings.text_column, vocab, settings.longest)
        for part in (splits.train, splits.val, splits.test)
    )
    print(f"{splits}; {len(vocab):,} words; {train.shortened} training texts cut short")
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 256, collate_fn=collate)
    test_loader = DataLoader(test, 256, collate_fn=collate)

    model = LSTMClassifier(len(vocab), len(splits.classes), settings.width, settings.dropout)
    model.to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=settings.smoothing)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    scaler = hardware.scaler
    run = Run(
        settings, "lstm_text", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "words": vocab.words},
        model=model, optimizer=optimizer, scaler=scaler,
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
        run.finish_epoch(total / len(train), evaluate(model, val_loader, device, splits.classes))

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
