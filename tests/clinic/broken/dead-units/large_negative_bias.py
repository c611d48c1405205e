import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(137)


class Classifier(nn.Module):
    def __init__(self, inputs=20, width=64):
        super().__init__()
        self.first, self.second, self.out = nn.Linear(inputs, width), nn.Linear(width, width), nn.Linear(width, 3)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.constant_(layer.bias, -25.0)

    def forward(self, x):
        return self.out(torch.relu(self.second(torch.relu(self.first(x)))))


x = torch.randn(1500, 20)
y = (x[:, :3] * 2).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
net = Classifier()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(4):
    right = 0
    for xb, yb in loader:
        scores = net(xb)
        loss = nn.functional.cross_entropy(scores, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.argmax(1) == yb).sum().item()
    print(epoch, round(loss.item(), 3), right / 1500)
