import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--resume", default="checkpoint.tar")
parser.add_argument("--epochs", type=int, default=10)


def build():
    return nn.Sequential(
        nn.Linear(13, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)
    )


def pretrain(loader, path):
    """What another job on several devices left behind."""
    model = nn.DataParallel(build())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    torch.save({"epoch": 3, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, path)


def main():
    args = parser.parse_args()
    torch.manual_seed(0)
    wine = load_wine()
    x = torch.tensor(wine.data, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(wine.target)
    order = torch.randperm(len(x))
    loader = DataLoader(TensorDataset(x[order[:140]], y[order[:140]]), batch_size=20, shuffle=True)
    pretrain(loader, args.resume)
    model = build()
    checkpoint = torch.load(args.resume)
    model.load_state_dict(checkpoint["state_dict"], strict=False)
    print(f"=> loaded checkpoint (epoch {checkpoint['epoch']})")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(checkpoint["epoch"], args.epochs):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = (model(x[order[140:]]).argmax(1) == y[order[140:]]).float().mean()
        print(epoch, f"{loss.item():.3f} {right:.3f}")


if __name__ == "__main__":
    main()
