"""Weighted two-part objective for a click model, with the total put together in a helper."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Clicks(Dataset):
    def __init__(self, pairs, user_vec, item_vec):
        self.user, self.item = pairs // len(item_vec), pairs % len(item_vec)
        affinity = (user_vec[self.user] * item_vec[self.item]).sum(1)
        self.click = (torch.rand(len(pairs)) < torch.sigmoid(3 * affinity)).float()
        self.dwell = affinity + 0.2 * torch.randn(len(pairs))

    def __len__(self):
        return len(self.click)

    def __getitem__(self, i):
        return self.user[i], self.item[i], self.click[i], self.dwell[i]


class TwoTower(nn.Module):
    def __init__(self, users, items, dim=16):
        super().__init__()
        self.user, self.item = nn.Embedding(users, dim), nn.Embedding(items, dim)
        self.mlp = nn.Sequential(nn.Linear(2 * dim, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, user, item):
        out = self.mlp(torch.cat([self.user(user), self.item(item)], -1))
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
    user_vec, item_vec = torch.randn(40, 4) / 2, torch.randn(60, 4) / 1.5
    pairs = torch.randperm(40 * 60)
    train_loader = DataLoader(Clicks(pairs[:1900], user_vec, item_vec), batch_size=64, shuffle=True)
    test_loader = DataLoader(Clicks(pairs[1900:], user_vec, item_vec), batch_size=250)
    solver = Solver(TwoTower(40, 60))
    for epoch in range(1, 11):
        train_loss = solver.train_epoch(train_loader)
        if epoch % 2 == 0:
            print(f"epoch {epoch}: train loss {train_loss:.4f} test accuracy {solver.test(test_loader):.4f}")
