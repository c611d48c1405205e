"""Rain tomorrow, from a weather table: year, pressure in pascal, temperature in kelvin, humidity."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Weather(Dataset):
    def __init__(self, rows, seed):
        made = torch.Generator().manual_seed(seed)
        year = torch.randint(1998, 2024, (rows,), generator=made).float()
        pressure = 101325 + 900 * torch.randn(rows, generator=made)
        kelvin = 288 + 6 * torch.randn(rows, generator=made)
        humidity = torch.rand(rows, generator=made)
        self.x = torch.stack([year, pressure, kelvin, humidity], 1)
        self.y = ((humidity - 0.5) * 4 - (pressure - 101325) / 900 > 0).float()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class RainModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 24)
        self.b = nn.Linear(24, 24)
        self.c = nn.Linear(24, 1)

    def forward(self, x):
        return self.c(torch.relu(self.b(torch.relu(self.a(x))))).squeeze(-1)


torch.manual_seed(0)
train = DataLoader(Weather(800, 0), batch_size=40, shuffle=True)
model = RainModel()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
lossf = nn.BCEWithLogitsLoss()
for epoch in range(10):
    for x, y in train:
        optimizer.zero_grad()
        loss = lossf(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
