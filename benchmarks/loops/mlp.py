"""A perceptron on a table of 2,000 rows."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def model():
    return nn.Sequential(
        nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 5)
    )


def data():
    torch.manual_seed(0)
    x = torch.randn(2000, 32)
    return TensorDataset(x, x[:, :5].argmax(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    steps = parser.parse_args().steps
    net, loader = model(), DataLoader(data(), batch_size=32, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    done = 0
    while done < steps:
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                return


if __name__ == "__main__":
    main()
