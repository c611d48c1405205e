"""A small Transformer encoder that sorts token sequences by which half dominates."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sequences(Dataset):
    def __init__(self, rows, length=16, vocabulary=40, seed=0):
        made = torch.Generator().manual_seed(seed)
        self.tokens = torch.randint(1, vocabulary, (rows, length), generator=made)
        self.labels = ((self.tokens < vocabulary // 2).sum(1) > length // 2).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"ids": self.tokens[i], "label": self.labels[i]}


class Encoder(nn.Module):
    def __init__(self, vocabulary=40, width=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 2)

    def forward(self, ids):
        return self.head(self.body(self.embed(ids)).mean(1))


class Fitter:
    def __init__(self, model, train, validation):
        self.model = model
        self.train, self.validation = train, validation
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=0.2)
        self.criterion = nn.CrossEntropyLoss()

    def step(self, batch):
        loss = self.criterion(self.model(batch["ids"]), batch["label"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            losses = [self.step(batch) for batch in self.train]
            self.model.eval()
            with torch.no_grad():
                right = [
                    (self.model(b["ids"]).argmax(1) == b["label"]).float().mean().item()
                    for b in self.validation
                ]
            print(epoch, sum(losses) / len(losses), sum(right) / len(right))


torch.manual_seed(0)
Fitter(
    Encoder(),
    DataLoader(Sequences(800), batch_size=32, shuffle=True),
    DataLoader(Sequences(200, seed=1), batch_size=64),
).fit(6)
