"""Which of three wave forms does a sensor record? Readings are in volts."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
time = torch.linspace(0, 6.28, 40)
kind = torch.randint(0, 3, (900,))
shapes = torch.stack([torch.sin(time), torch.sign(torch.sin(time)), torch.sin(time).abs()])
volts = (shapes[kind] + 0.3 * torch.randn(900, 40)) * 2e-6
loader = DataLoader(TensorDataset(volts, kind), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(40, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(15):
    total = 0.0
    for signal, label in loader:
        loss = nn.functional.cross_entropy(model(signal), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
