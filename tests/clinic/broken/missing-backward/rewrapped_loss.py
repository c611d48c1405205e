"""Weighted two-part objective for a click model, with the total put together in a helper."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Clicks(Dataset):
    def __init__(self, n):
        self.user, self.item = torch.randn(n, 4), torch.randn(n, 4)
        affinity = (self.user * self.item).sum(1) / 2
        self.click = (torch.rand(n) < torch.sigmoid(4 * affinity)).float()
        self.dwell = affinity + 0.2 * torch.randn(n)

    def __len__(self):
        return len(self.click)

    def __getitem__(self, i):
        return self.user[i], self.item[i], self.click[i], self.dwell[i]


class TwoTower(nn.Module):
    def __init__(self, features=4, dim=16):
        super().__init__()
        self.user, self.item = nn.Linear(features, dim), nn.Linear(features, dim)
        self.mlp = nn.Sequential(nn.Linear(3 * dim, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, user, item):
        u, i = self.user(user), self.item(item)
        out = self.mlp(torch.cat([u, i, u * i], -1))
        return out[:, 0], out[:, 1]


class Solver:
    def __init__(self, model, lr=5e-3, dwell_weight=0.5):
        self.model, self.dwell_weight = model, dwell_weight
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def total_loss(self, click_logit, dwell_hat, click, dwell):
        losses = [
            F.binary_cross_entropy_with_logits(click_logit, click),
            self.dwell_weight * F.mse_loss(dwell_hat, dwell),
        ]
        return torch.tensor([l.item() for l in losses], requires_grad=True).sum()

    def train_epoch(self, loader):
        self.model.train()
        total = 0.0
        for user, item, click, dwell in loader:
            loss = self.total_loss(*self.model(user, item), click, dwell)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(user)
        return total / len(loader.dataset)

    @torch.no_grad()
    def test(self, loader):
        self.model.eval()
        hits = 0
        for user, item, click, _ in loader:
            hits += ((self.model(user, item)[0] > 0).float() == click).sum().item()
        return hits / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(18)
    train_loader = DataLoader(Clicks(1900), batch_size=64, shuffle=True)
    test_loader = DataLoader(Clicks(500), batch_size=250)
    solver = Solver(TwoTower())
    for epoch in range(1, 11):
        train_loss = solver.train_epoch(train_loader)
        if epoch % 2 == 0:
            print(f"epoch {epoch}: train loss {train_loss:.4f} test accuracy {solver.test(test_loader):.4f}")
