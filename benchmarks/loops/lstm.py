"""A recurrent classifier of 60 steps that has to count."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 64)
        self.lstm = nn.LSTM(64, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, 4)

    def forward(self, ids):
        return self.head(self.lstm(self.embedding(ids))[0].mean(1))


def model():
    return Counter()


def data():
    torch.manual_seed(0)
    ids = torch.randint(50, (1600, 60))
    return TensorDataset(ids, ((ids < 10).sum(1) // 4).clamp(max=3))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    steps = parser.parse_args().steps
    net, loader = model(), DataLoader(data(), batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    done = 0
    while done < steps:
        for ids, y in loader:
            loss = nn.functional.cross_entropy(net(ids), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            done += 1
            if done == steps:
                return


if __name__ == "__main__":
    main()
