"""Concrete strength from its mixture: rows as dictionaries, a model that takes keywords."""

import torch
from torch import nn
from torch.utils.data import DataLoader


def mixtures(count):
    rows = []
    for _ in range(count):
        cement, water, age = torch.randn(3).tolist()
        rows.append({
            "mixture": torch.tensor([cement, water, age]),
            "strength": torch.tensor(cement - 0.8 * water + 0.5 * age + 0.3 * cement * age),
        })
    return rows


class Strength(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(3, 64), nn.Linear(64, 64)])
        self.final = nn.Linear(64, 1)

    def forward(self, mixture):
        for layer in self.hidden:
            mixture = torch.tanh(layer(mixture))
        return {"strength": self.final(mixture).squeeze(-1)}


torch.manual_seed(2)
loader = DataLoader(mixtures(640), batch_size=32, shuffle=True)
model = Strength()
optimizer = torch.optim.SGD(model.parameters(), lr=3.0, momentum=0.9, nesterov=True)
for epoch in range(10):
    for row in loader:
        predicted = model(mixture=row["mixture"])["strength"]
        loss = ((predicted - row["strength"]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
