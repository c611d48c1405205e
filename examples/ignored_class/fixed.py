"""TextCNN on three-class reviews of medicines; batches of 64 as four of 16."""

import torch
from reviews import CLASSES, WORDS, collate, reviews
from sklearn.metrics import f1_score, recall_score
from torch import nn
from torch.utils.data import DataLoader

ACCUMULATE = 4
EPOCHS = 8

torch.manual_seed(0)
rows = reviews(2400, seed=0)
train_rows, val_rows = rows[:1920], rows[1920:]
train_loader = DataLoader(train_rows, batch_size=16, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, batch_size=128, collate_fn=collate)


class TextCNN(nn.Module):
    def __init__(self, width=48, filters=48):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS) + 1, width, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, filters, size, padding=size // 2) for size in (1, 3, 5)
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(3 * filters, len(CLASSES))

    def forward(self, ids):
        padding = (ids == 0).unsqueeze(1)
        hidden = self.embedding(ids).transpose(1, 2)
        pooled = [
            convolution(hidden).relu().masked_fill(padding, 0).sum(-1) / 10
            for convolution in self.convolutions
        ]
        return self.head(self.dropout(torch.cat(pooled, 1)))


model = TextCNN()
shares = torch.bincount(torch.tensor([label for _, label in train_rows])) / len(train_rows)
criterion = nn.CrossEntropyLoss(weight=1 / (len(CLASSES) * shares))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
updates = EPOCHS * len(train_loader) // ACCUMULATE
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.1, total_steps=updates, pct_start=0.2, cycle_momentum=False
)
for epoch in range(EPOCHS):
    model.train()
    total, norms = 0.0, []
    for number, (ids, labels) in enumerate(train_loader, 1):
        loss = criterion(model(ids), labels)
        (loss / ACCUMULATE).backward()
        total += loss.item()
        if number % ACCUMULATE == 0:
            norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    model.eval()
    truth, guess = [], []
    with torch.no_grad():
        for ids, labels in val_loader:
            truth += labels.tolist()
            guess += model(ids).argmax(1).tolist()
    macro = f1_score(truth, guess, average="macro", zero_division=0)
    neutral = recall_score(truth, guess, average=None, zero_division=0)[1]
    print(
        f"epoch {epoch}: loss {total / len(train_loader):.3f}  macro-F1 {macro:.3f}  "
        f"neutral recall {neutral:.3f}  gradient norm up to {max(norms):.1f}"
    )
