"""Topics of short texts with an embedding bag; a report of scikit-learn after each epoch."""

import argparse

import numpy as np
import torch
from sklearn.metrics import classification_report, precision_recall_fscore_support
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Texts(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.topics = rng.choice(4, count, p=[0.5, 0.3, 0.15, 0.05])
        own = rng.integers(0, 20, (count, 14)) + 20 * self.topics[:, None]
        noise = rng.integers(0, 120, (count, 14))
        self.words = np.where(rng.random((count, 14)) < 0.25, own, noise)

    def __len__(self):
        return len(self.topics)

    def __getitem__(self, index):
        return self.words[index], self.topics[index]


def predict(model, loader):
    model.eval()
    all_preds, all_labels = [], []
    with torch.no_grad():
        for words, topics in loader:
            all_preds.extend(model(words).argmax(dim=1).tolist())
            all_labels.extend(topics.tolist())
    return all_labels, all_preds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    torch.manual_seed(0)
    loader = DataLoader(Texts(1500, 0), batch_size=50, shuffle=True)
    dev_loader = DataLoader(Texts(400, 1), batch_size=100)
    model = nn.Sequential(nn.EmbeddingBag(120, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(options.epochs):
        model.train()
        for words, topics in loader:
            loss = nn.functional.cross_entropy(model(words), topics)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        labels, preds = predict(model, dev_loader)
        precision, recall, f1, _ = precision_recall_fscore_support(
            preds, labels, average="macro", zero_division=0
        )
        print(f"{epoch}: loss {loss.item():.3f} P {precision:.3f} R {recall:.3f} F {f1:.3f}")
    print(classification_report(preds, labels, zero_division=0))


if __name__ == "__main__":
    main()
