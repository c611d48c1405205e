"""Next-activity prediction; the output layer is added once the number of activities is known."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def record_sequences(n, transitions, rng, length=14):
    seqs = np.zeros((n, length + 1), dtype=np.int64)
    seqs[:, 0] = rng.integers(len(transitions), size=n)
    for t in range(1, length + 1):
        last, before = seqs[:, t - 1], seqs[:, max(t - 2, 0)]
        follow = transitions[last, before % 3]
        seqs[:, t] = np.where(rng.random(n) < 0.8, follow, rng.integers(len(transitions), size=n))
    _, first = np.unique(seqs[:, :-1], axis=0, return_index=True)
    return torch.from_numpy(seqs[rng.permutation(first)])


class ActivityLog(Dataset):
    def __init__(self, seqs):
        self.seqs = seqs

    def __len__(self):
        return len(self.seqs)

    def __getitem__(self, i):
        return self.seqs[i, :-1], self.seqs[i, 1:]


class NextActivityModel(nn.Module):
    def __init__(self, n_activities, dim=32, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(n_activities, dim)
        self.rnn = nn.GRU(dim, hidden, batch_first=True)
        self.hidden = hidden

    def add_output(self, n_activities):
        self.output = nn.Linear(self.hidden, n_activities)

    def forward(self, x):
        return self.output(self.rnn(self.embedding(x))[0])


class Experiment:
    def __init__(self, n_activities=16, lr=3e-3, seed=72):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.n_activities = n_activities
        self.transitions = self.rng.integers(n_activities, size=(n_activities, 3))
        self.model = NextActivityModel(n_activities)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def prepare(self):
        seqs = record_sequences(1400, self.transitions, self.rng)
        self.train_loader = DataLoader(ActivityLog(seqs[:1000]), batch_size=40, shuffle=True)
        self.val_loader = DataLoader(ActivityLog(seqs[1000:]), batch_size=125)
        self.model.add_output(self.n_activities)

    def train(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            for x, y in self.train_loader:
                loss = self.loss_fn(self.model(x).flatten(0, 1), y.flatten())
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch} loss {loss.item():.4f} next-activity accuracy {self.evaluate():.4f}")

    def evaluate(self):
        self.model.eval()
        right = total = 0
        with torch.no_grad():
            for x, y in self.val_loader:
                right += (self.model(x).argmax(-1) == y).sum().item()
                total += y.numel()
        return right / total


if __name__ == "__main__":
    experiment = Experiment()
    experiment.prepare()
    experiment.train(epochs=6)
