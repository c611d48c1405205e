import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(45)
lr = 0.5
digits = load_digits()
perm = torch.randperm(1797)
x = torch.tensor(digits.images, dtype=torch.float32)[perm].unsqueeze(1)
y = torch.tensor(digits.target)[perm]
x = (x - x[:1450].mean()) / x[:1450].std()
train_loader = DataLoader(TensorDataset(x[:1450], y[:1450]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(x[1450:], y[1450:]), batch_size=347)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 16, 3)
        self.f1, self.f2, self.f3 = nn.Linear(144, 84), nn.Linear(84, 40), nn.Linear(40, 10)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        x = F.relu(self.f1(x.flatten(1)))
        return self.f3(F.relu(self.f2(x)))


model = LeNet()
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
for epoch in range(8):
    model.train()
    for i, (xb, yb) in enumerate(train_loader):
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 10 == 0:
            print(f"{epoch}/{i} loss {loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        for xb, yb in val_loader:
            print(f"epoch {epoch} val acc {(model(xb).argmax(1) == yb).float().mean():.4f}")
