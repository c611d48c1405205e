"""Rare events in click logs; a focal loss on top of nll_loss, summed over the batch with a small rate."""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, weight=None):
        super().__init__()
        self.gamma = gamma
        self.register_buffer("weight", weight)

    def forward(self, logits, target):
        log_prob = F.log_softmax(logits, dim=-1)
        prob = torch.exp(log_prob)
        return F.nll_loss((1 - prob) ** self.gamma * log_prob, target, weight=self.weight, reduction="sum")


class Clicks(nn.Module):
    def __init__(self, features, width=48):
        super().__init__()
        self.norm = nn.BatchNorm1d(features)
        self.net = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, x):
        return self.net(self.norm(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gamma", type=float, default=1.5)
    parser.add_argument("--lr", type=float, default=1e-3, help="per sample: the loss is a sum")
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    torch.manual_seed(51)
    x, y = make_classification(4000, 16, n_informative=9, weights=[0.9], class_sep=1.3, random_state=51)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    train_loader = DataLoader(TensorDataset(x[:3200], y[:3200]), batch_size=64, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[3200:], y[3200:]), batch_size=400)
    counts = torch.bincount(y[:3200]).float()
    model = Clicks(x.shape[1])
    criterion = FocalLoss(args.gamma, weight=counts.sum() / (2 * counts))
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            scores = torch.cat([model(xb).softmax(1)[:, 1] for xb, _ in valid_loader])
        print(f"epoch {epoch} focal {total / 3200:.4f} average precision {average_precision_score(y[3200:], scores):.3f}")


if __name__ == "__main__":
    main()
