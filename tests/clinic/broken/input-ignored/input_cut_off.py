"""Which of three bands is loudest? Spectra pass a clamp before the network."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(30, 32)
        self.b = nn.Linear(32, 3)

    def forward(self, x):
        x = torch.clamp(x, min=40.0)
        return self.b(torch.relu(self.a(x)))


torch.manual_seed(5)
band = torch.arange(720) % 3
spectrum = torch.rand(720, 30)
for i in range(720):
    spectrum[i, band[i] * 10 : band[i] * 10 + 10] += 1.0
loader = DataLoader(TensorDataset(spectrum, band), batch_size=24, shuffle=True)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for epoch in range(15):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
