import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(73)


class Sparse(nn.Module):
    """A wide code of which few units are on."""

    def __init__(self, inputs=64, wide=512):
        super().__init__()
        self.code = nn.Linear(inputs, wide)
        nn.init.constant_(self.code.bias, -0.6)
        self.back = nn.Linear(wide, inputs)
        self.classes = nn.Linear(wide, 10)

    def forward(self, x):
        code = F.relu(self.code(x))
        return self.back(code), self.classes(code), code


x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32) / 16 - 0.3, torch.tensor(y)
net = Sparse()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
for epoch in range(5):
    net.train()
    for xb, yb in train:
        again, scores, code = net(xb)
        loss = F.cross_entropy(scores, yb) + F.mse_loss(again, xb) + 1e-3 * code.abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        _, scores, code = net(x[1400:])
    print(f"{epoch} {loss.item():.3f} acc {(scores.argmax(1) == y[1400:]).float().mean():.3f} on {(code > 0).float().mean():.3f}")
