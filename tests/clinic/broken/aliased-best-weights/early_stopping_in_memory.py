"""Course-project style: checkpoints, a CSV log, a learning curve picture, early stopping, best model reloaded."""

import csv
import json
import os
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import confusion_matrix, f1_score
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class GaitDataset(Dataset):
    """Multichannel sequences of three gaits."""

    def __init__(self, sequences, labels, mean, std):
        self.sequences = [(s - mean) / std for s in sequences]
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        return torch.as_tensor(self.sequences[idx], dtype=torch.float32), int(self.labels[idx])


def generate(n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    mixing = rng.normal(size=(3, 2, 6))
    seqs = []
    for c in labels:
        t = np.arange(30) * rng.uniform(0.8, 1.2)
        base = np.stack([np.sin([0.5, 0.7, 0.9][c] * t + rng.uniform(0, 6)), np.sin([1.0, 0.9, 0.7][c] * t + rng.uniform(0, 6))], 1)
        seqs.append(base @ (0.3 * mixing[c] + 0.7 * mixing.mean(0)) + 0.9 * rng.normal(size=(30, 6)) + 3.0)
    return seqs, labels


class BiGRUAttention(nn.Module):
    def __init__(self, n_in=6, hidden=32, n_classes=3, dropout=0.3):
        super().__init__()
        self.gru = nn.GRU(n_in, hidden, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(2 * hidden, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, n_classes))

    def forward(self, x):
        out, _ = self.gru(x)
        weights = torch.softmax(self.attention(out), dim=1)
        return self.classifier((weights * out).sum(dim=1))


class EarlyStopping:
    def __init__(self, patience, path):
        self.patience, self.path, self.best, self.bad_epochs = patience, path, -np.inf, 0

    def step(self, score, model, optimizer, epoch):
        if score > self.best:
            self.best, self.bad_epochs = score, 0
            self.kept = {"epoch": epoch, "model": model.state_dict()}
        else:
            self.bad_epochs += 1
        return self.bad_epochs >= self.patience


def evaluate(model, loader, criterion):
    model.eval()
    loss_sum, preds, golds = 0.0, [], []
    with torch.no_grad():
        for x, y in loader:
            logits = model(x)
            loss_sum += criterion(logits, y).item() * len(y)
            preds += logits.argmax(1).tolist()
            golds += y.tolist()
    return loss_sum / len(golds), f1_score(golds, preds, average="macro"), confusion_matrix(golds, preds)


def main():
    set_seed(2023)
    run_dir = Path("runs") / "gait"
    os.makedirs(run_dir, exist_ok=True)
    seqs, labels = generate(1500, seed=2023)
    stacked = np.concatenate(seqs[:900])
    mean, std = stacked.mean(0), stacked.std(0)
    train_set = GaitDataset(seqs[:900], labels[:900], mean, std)
    val_set = GaitDataset(seqs[900:1200], labels[900:1200], mean, std)
    test_set = GaitDataset(seqs[1200:], labels[1200:], mean, std)
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    val_loader, test_loader = DataLoader(val_set, batch_size=150), DataLoader(test_set, batch_size=150)

    model = BiGRUAttention()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    criterion = nn.CrossEntropyLoss()
    stopper = EarlyStopping(patience=4, path=run_dir / "best.pt")
    writer = SummaryWriter(run_dir / "tb")
    history = []
    with open(run_dir / "log.csv", "w", newline="") as f:
        log = csv.writer(f)
        log.writerow(["epoch", "train_loss", "val_loss", "val_f1"])
        for epoch in range(20):
            model.train()
            train_loss = 0.0
            for x, y in train_loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                train_loss += loss.item() * len(y)
            train_loss /= len(train_set)
            val_loss, val_f1, _ = evaluate(model, val_loader, criterion)
            log.writerow([epoch, train_loss, val_loss, val_f1])
            writer.add_scalar("loss/train", train_loss, epoch)
            writer.add_scalar("f1/val", val_f1, epoch)
            history.append(val_f1)
            print(f"Epoch {epoch:2d} | train loss {train_loss:.4f} | val loss {val_loss:.4f} | val F1 {val_f1:.4f}")
            if stopper.step(val_f1, model, optimizer, epoch):
                print("Early stopping")
                break
    writer.close()
    checkpoint = stopper.kept
    model.load_state_dict(checkpoint["model"])
    test_loss, test_f1, confusion = evaluate(model, test_loader, criterion)
    summary = {"best_epoch": checkpoint["epoch"], "ckpt_path": str(stopper.path), "test_loss": test_loss, "test_f1": test_f1}
    (run_dir / "summary.json").write_text(json.dumps(summary, indent=2))
    print(summary)
    print(confusion)


if __name__ == "__main__":
    main()
