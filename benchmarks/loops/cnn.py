"""A residual-free convolutional network on 32 x 32 pictures of 10 kinds of stripes."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def model():
    layers = []
    for inner, outer in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def data():
    torch.manual_seed(0)
    y = torch.randint(10, (640,))
    wave = torch.sin(torch.arange(32) * (y[:, None] + 1) * 0.3)
    return TensorDataset(wave[:, None, None].expand(-1, 3, 32, -1) + torch.randn(640, 3, 32, 32), y)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    steps = parser.parse_args().steps
    net, loader = model(), DataLoader(data(), batch_size=32, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
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
