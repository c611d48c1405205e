"""Star rating from review tokens, bag of words, loss written out by hand."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    stars: int = 5
    vocab: int = 120
    batch_size: int = 40
    epochs: int = 6
    lr: float = 5e-3


class Ratings(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.stars = rng.integers(0, 5, n)
        tone = np.clip(self.stars[:, None] * 20 + rng.normal(10, 14, (n, 15)), 0, 99).astype(int)
        other = rng.integers(100, 120, (n, 15))
        self.tokens = np.where(rng.random((n, 15)) < 0.6, tone, other)

    def __len__(self):
        return len(self.stars)

    def __getitem__(self, i):
        return torch.from_numpy(self.tokens[i]), int(self.stars[i]) - 1


class BagModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.bag = nn.EmbeddingBag(cfg.vocab, 32, mode="mean")
        self.fc = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, cfg.stars))

    def forward(self, tokens):
        return self.fc(self.bag(tokens))


def nll(logits, target):
    logp = logits - logits.logsumexp(dim=1, keepdim=True)
    return -logp[torch.arange(len(target)), target].mean()


def main(cfg):
    torch.manual_seed(0)
    train_loader = DataLoader(Ratings(1600, 1), cfg.batch_size, shuffle=True)
    val_loader = DataLoader(Ratings(400, 2), 200)
    model = BagModel(cfg)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for tokens, stars in train_loader:
            loss = nll(model(tokens), stars)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(t).argmax(1) == s).sum().item() for t, s in val_loader)
        print(f"epoch {epoch} loss {loss.item():.4f} val accuracy {right / 400:.3f}")


if __name__ == "__main__":
    main(Config())
