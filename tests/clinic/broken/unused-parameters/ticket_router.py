"""Route support tickets by two fields, text and tabular."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

QUEUES, WORDS = 5, 120


class TextEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.words = nn.Embedding(WORDS, width, padding_idx=0)
        self.rnn = nn.GRU(width, width, batch_first=True)

    def forward(self, ids):
        states, _ = self.rnn(self.words(ids))
        keep = (ids != 0).unsqueeze(-1)
        return (states * keep).sum(1) / keep.sum(1)


class Router(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.text = TextEncoder(width)
        self.table = nn.Sequential(nn.Linear(6, width), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, QUEUES))

    @torch.no_grad()
    def encode(self, ids):
        return self.text(ids)

    def forward(self, ids, row):
        return self.head(torch.cat([self.encode(ids), self.table(row)], dim=1))


def tickets(n, rng):
    queue = rng.integers(0, QUEUES, n)
    ids = np.zeros((n, 16), dtype=np.int64)
    for i, q in enumerate(queue):
        size = rng.integers(6, 17)
        topical = rng.integers(1 + 10 * q, 11 + 10 * q, size)
        ids[i, :size] = np.where(rng.random(size) < 0.2, topical, rng.integers(51, WORDS, size))
    row = rng.normal(size=(n, 6)) + 0.3 * np.eye(6)[queue]
    return torch.from_numpy(ids), torch.from_numpy(row).float(), torch.from_numpy(queue)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    ids, row, queue = tickets(3000, rng)
    held = tickets(500, rng)
    model = Router()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(1, args.steps + 1):
        pick = torch.from_numpy(rng.choice(len(ids), args.batch, replace=False))
        loss = F.cross_entropy(model(ids[pick], row[pick]), queue[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                accuracy = (model(held[0], held[1]).argmax(1) == held[2]).float().mean()
            model.train()
            print(f"{step} loss {loss:.3f} accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
