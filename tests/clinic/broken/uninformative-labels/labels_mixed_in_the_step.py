"""Flower-like measurements, with a step that is given a batch as a dictionary."""

import torch
from torch import nn
from torch.utils.data import DataLoader


def flowers(count):
    kind = torch.randint(0, 3, (count,))
    centre = torch.tensor([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
    table = centre[kind] + 0.35 * torch.randn(count, 4)
    table = (table - table.mean(0)) / table.std(0)
    return [{"table": row, "kind": int(k)} for row, k in zip(table, kind)]


class Runner:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-3)

    def step(self, batch):
        order = torch.randperm(len(batch["kind"]))
        scores = self.model(batch["table"])
        loss = nn.functional.cross_entropy(scores, batch["kind"][order])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(8)
loader = DataLoader(flowers(600), batch_size=20, shuffle=True)
runner = Runner()
for epoch in range(10):
    for batch in loader:
        last = runner.step(batch)
    print(epoch, last)
