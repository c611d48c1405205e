import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from torch.utils.data import DataLoader, TensorDataset


def log_likelihood(scores, labels):
    log_probs = torch.log_softmax(scores, dim=-1)
    return log_probs.gather(1, labels.unsqueeze(1)).squeeze(1)


class Cultivars(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(13, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 3))

    def forward(self, x):
        return self.layers(x)


def epoch_pass(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total = right = count = 0
    for x, y in loader:
        with torch.set_grad_enabled(optimizer is not None):
            scores = model(x)
            loss = log_likelihood(scores, y).mean()
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(y)
        right += (scores.argmax(1) == y).sum().item()
        count += len(y)
    return total / count, right / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-2)
    args = parser.parse_args()
    torch.manual_seed(6)
    data = load_wine()
    x = torch.tensor(data.data, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(data.target)
    order = torch.randperm(len(y))
    train, held = order[:144], order[144:]
    train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=12, shuffle=True)
    held_loader = DataLoader(TensorDataset(x[held], y[held]), batch_size=34)
    model = Cultivars(args.hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        loss, accuracy = epoch_pass(model, train_loader, optimizer)
        held_loss, held_accuracy = epoch_pass(model, held_loader)
        print(f"{epoch:2d} train {loss:.3f} {accuracy:.2f} held out {held_loss:.3f} {held_accuracy:.2f}")


if __name__ == "__main__":
    main()
