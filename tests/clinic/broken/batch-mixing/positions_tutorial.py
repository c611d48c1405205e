import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=500):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class TimeSeriesTransformer(nn.Module):
    """Classify which half of a recording holds the larger peak."""

    def __init__(self, features, d_model=32, nhead=4, layers=2):
        super().__init__()
        self.input = nn.Linear(features, d_model)
        self.pos = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, 64, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(d_model, 2)

    def forward(self, x):
        x = self.pos(self.input(x) * math.sqrt(32))
        return self.head(self.encoder(x).mean(dim=1))


def make(n, length=24):
    x = 0.3 * torch.randn(n, length, 2)
    a, b = torch.randint(0, length // 2, (n,)), torch.randint(length // 2, length, (n,))
    heights = 1 + 2 * torch.rand(n, 2)
    x[torch.arange(n), a, 0] += heights[:, 0]
    x[torch.arange(n), b, 0] += heights[:, 1]
    return TensorDataset(x, (heights[:, 1] > heights[:, 0]).long())


if __name__ == "__main__":
    train = DataLoader(make(1600), batch_size=40, shuffle=True)
    test = DataLoader(make(400), batch_size=40)
    net = TimeSeriesTransformer(2)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(6):
        net.train()
        for xb, yb in train:
            loss = nn.functional.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            hits = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in test)
        print(f"epoch {epoch} acc {hits / 400:.3f}")
