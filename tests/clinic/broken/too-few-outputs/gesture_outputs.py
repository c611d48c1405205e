import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)


class Gesture(nn.Module):
    def __init__(self, channels=6, outputs=1):
        super().__init__()
        self.conv = nn.Conv1d(channels, 32, 7, padding=3)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.outputs = nn.Linear(32, outputs)

    def forward(self, x):
        x = torch.relu(self.conv(x)).transpose(1, 2)
        return self.outputs(self.gru(x)[1][-1])


def record(n):
    wave = torch.randint(0, 2, (n,))
    t = torch.linspace(0, 1, 50)
    x = torch.sin(2 * torch.pi * (3 + 3 * wave[:, None, None]) * t + torch.rand(n, 6, 1) * 6.28)
    return TensorDataset(x + 0.3 * torch.randn_like(x), wave)


OUTPUTS = 1
model = Gesture(outputs=OUTPUTS)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train, test = DataLoader(record(800), 32, shuffle=True), DataLoader(record(200), 100)
for epoch in range(4):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
