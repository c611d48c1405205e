import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    vocab_size: int = 40
    dim: int = 48
    window: int = 24
    batch_size: int = 32
    lr: float = 3e-3
    epochs: int = 4
    seed: int = 2


def markov_corpus(cfg, length, rng):
    """Second-order Markov chain: each pair of symbols has six likely successors."""
    table = rng.integers(0, cfg.vocab_size, size=(8, cfg.vocab_size, 6))
    seq = [0, 1]
    for _ in range(length):
        if rng.random() < 0.05:
            seq.append(int(rng.integers(cfg.vocab_size)))
        else:
            seq.append(int(table[seq[-2] % 8, seq[-1], min(5, int(rng.geometric(0.5)) - 1)]))
    return torch.tensor(seq)


class Windows(Dataset):
    def __init__(self, stream, window):
        n = (len(stream) - 1) // window
        self.x = stream[: n * window].view(n, window)
        self.y = stream[1 : n * window + 1].view(n, window)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class TiedLM(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tok = nn.Embedding(cfg.vocab_size, cfg.dim)
        nn.init.normal_(self.tok.weight, std=cfg.dim**-0.5)
        self.rnn = nn.GRU(cfg.dim, cfg.dim, batch_first=True)
        self.out_bias = nn.Parameter(torch.zeros(cfg.vocab_size))

    def forward(self, ids):
        h, _ = self.rnn(self.tok(ids))
        return F.linear(h, self.tok.weight, self.out_bias)


def perplexity(model, loader):
    model.eval()
    nll = count = 0
    with torch.no_grad():
        for x, y in loader:
            nll += F.cross_entropy(model(x).transpose(1, 2), y, reduction="sum").item()
            count += y.numel()
    return math.exp(nll / count)


def main(cfg):
    torch.manual_seed(cfg.seed)
    stream = markov_corpus(cfg, 60_000, np.random.default_rng(cfg.seed))
    cut = int(len(stream) * 0.9)
    train = DataLoader(Windows(stream[:cut], cfg.window), cfg.batch_size, shuffle=True)
    valid = DataLoader(Windows(stream[cut:], cfg.window), 100)
    model = TiedLM(cfg)
    optim = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for x, y in train:
            loss = F.cross_entropy(model(x).transpose(1, 2), y)
            optim.zero_grad()
            loss.backward()
            optim.step()
        print(f"epoch {epoch} last loss {loss.item():.3f} valid perplexity {perplexity(model, valid):.2f} of {cfg.vocab_size}")


if __name__ == "__main__":
    main(Config())
