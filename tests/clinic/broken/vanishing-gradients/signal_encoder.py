import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(179)


class DeepEncoder(nn.Module):
    """Convolutions over a signal, one after the other."""

    def __init__(self, width=16, depth=12, classes=3):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(1 if i == 0 else width, width, 5, padding=2) for i in range(depth))
        self.act = nn.ReLU()
        for conv in self.convs:
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        for conv in self.convs:
            x = self.act(conv(x))
        return self.out(x.mean(-1))


kind = torch.randint(0, 3, (1200,))
t = torch.arange(64) / 64
x = torch.sin(6.28 * (3 + 5 * kind[:, None, None]) * t + 6.28 * torch.rand(1200, 1, 1)) + 0.2 * torch.randn(1200, 1, 64)
accelerator = Accelerator(cpu=True)
model = DeepEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x, kind), batch_size=40, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(6):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
    accelerator.print(epoch, round(loss.item(), 3))
