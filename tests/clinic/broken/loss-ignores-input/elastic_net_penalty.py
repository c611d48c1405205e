"""Regress disease progression with an elastic net on the first layer."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Regressor(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.input = nn.Linear(10, width)
        self.output = nn.Linear(width, 1)

    def forward(self, x):
        return self.output(torch.relu(self.input(x))).squeeze(1)


class Experiment:
    def __init__(self, l1=1e-4, l2=1e-3, lr=1e-2, batch_size=32):
        x, y = load_diabetes(return_X_y=True)
        x = torch.tensor(x, dtype=torch.float32) * len(x) ** 0.5
        y = torch.tensor(y, dtype=torch.float32)
        y = (y - y.mean()) / y.std()
        train, self.held_out = random_split(TensorDataset(x, y), [360, len(y) - 360])
        self.loader = DataLoader(train, batch_size=batch_size, shuffle=True)
        self.model = Regressor()
        self.mse = nn.MSELoss()
        self.l1, self.l2 = l1, l2
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def objective(self, x, y):
        loss = self.mse(self.model(x), y)
        penalties = {
            "l1": self.l1 * self.model.input.weight.abs().sum(),
            "l2": self.l2 * self.model.output.weight.pow(2).sum(),
        }
        for value in penalties.values():
            loss = loss + value
        loss = sum(penalties.values())
        return loss

    def train(self, epochs):
        for epoch in range(epochs):
            for x, y in self.loader:
                loss = self.objective(x, y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch:2d} objective {loss.item():.4f} r2 {self.score():.3f}")

    @torch.no_grad()
    def score(self):
        x, y = (torch.stack(column) for column in zip(*self.held_out))
        return (1 - (self.model(x) - y).pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


torch.manual_seed(9)
Experiment().train(8)
