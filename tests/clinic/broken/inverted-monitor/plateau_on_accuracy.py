"""Digits by a small convolutional network; the rate is cut when validation stalls."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset, random_split


class DigitNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Linear(8 * width, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def run(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    hits = total = 0
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels in loader:
            scores = model(images)
            if optimizer is not None:
                loss = criterion(scores, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            hits += (scores.argmax(1) == labels).sum().item()
            total += len(labels)
    return hits / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--width", type=int, default=16)
    args = parser.parse_args()
    torch.manual_seed(4)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    data = TensorDataset(images, torch.tensor(digits.target))
    train_set, val_set = random_split(data, [1400, len(data) - 1400])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=256)
    model = DigitNet(args.width)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1)
    for epoch in range(args.epochs):
        train_accuracy = run(model, train_loader, criterion, optimizer)
        val_accuracy = run(model, val_loader, criterion)
        scheduler.step(val_accuracy)
        rate = optimizer.param_groups[0]["lr"]
        print(
            f"epoch {epoch}: train {train_accuracy:.3f} validation {val_accuracy:.3f} rate {rate:.1e}"
        )


if __name__ == "__main__":
    main()
