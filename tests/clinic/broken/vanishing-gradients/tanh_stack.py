import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(151)


class DeepNet(nn.Module):
    """Do the signs of two numbers agree?"""

    def __init__(self, width=32):
        super().__init__()
        self.enter = nn.Linear(2, width)
        self.deep = nn.ModuleList(nn.Linear(width, width) for _ in range(24))
        for layer in self.deep:
            nn.init.uniform_(layer.weight, -0.05, 0.05)
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        x = torch.tanh(self.enter(x))
        for layer in self.deep:
            x = torch.tanh(layer(x))
        return self.out(x)


x = torch.randn(2000, 2)
y = (x[:, 0] * x[:, 1] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
net = DeepNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
