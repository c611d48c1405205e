import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(173)


class Highway(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.change, self.gate = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, x):
        g = torch.sigmoid(self.gate(x))
        return g * torch.relu(self.change(x)) + (1 - g) * x


class HighwayNet(nn.Module):
    def __init__(self, inputs=30, width=40, depth=3):
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.layers = nn.Sequential(*(Highway(width, -60.0) for _ in range(depth)))
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        return self.out(self.layers(self.enter(x)))


class Parity(Dataset):
    """Do two signs agree?"""

    def __init__(self, n):
        self.x = torch.randn(n, 30)
        self.y = (self.x[:, 3] * self.x[:, 7] > 0).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"x": self.x[i], "y": self.y[i]}


net = HighwayNet()
loader = DataLoader(Parity(3000), batch_size=60, shuffle=True)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    right = 0
    for batch in loader:
        scores = net(batch["x"])
        loss = nn.functional.cross_entropy(scores, batch["y"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.argmax(1) == batch["y"]).sum().item()
    print(epoch, round(loss.item(), 3), right / 3000)
