# train, then calibrate the temperature, then make a universal perturbation
import torch, torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(1)
d = load_breast_cancer()
X = torch.tensor(StandardScaler().fit_transform(d.data)).float()
y = torch.tensor(d.target)
ds = TensorDataset(X, y)
tr, va, te = random_split(ds, [369, 100, 100])
trl = DataLoader(tr, 32, shuffle=True)
val = DataLoader(va, 50)
tel = DataLoader(te, 50)
m = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
o = torch.optim.Adam(m.parameters(), 2e-3)
ce = nn.CrossEntropyLoss()
for ep in range(8):
    m.train()
    for a, b in trl:
        o.zero_grad()
        l = ce(m(a), b)
        l.backward()
        o.step()
    m.eval()
    c = 0
    for a, b in val:
        with torch.no_grad():
            c += (m(a).argmax(1) == b).sum().item()
    print(ep, l.item(), c / 100)


class Scaled(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        self.temperature = nn.Parameter(torch.ones(1) * 1.5)

    def forward(self, x):
        return self.base(x) / self.temperature


s = Scaled(m)
o2 = torch.optim.SGD([s.temperature], lr=0.05)
for ep in range(10):
    for a, b in val:
        o2.zero_grad()
        l = ce(s(a), b)
        l.backward()
        o2.step()
print("temperature", s.temperature.item())
delta = torch.zeros(30, requires_grad=True)
o3 = torch.optim.Adam([delta], lr=0.01)
for ep in range(6):
    for a, b in trl:
        o3.zero_grad()
        l = -ce(m(a + delta), b) + delta.norm() * 0.1
        l.backward()
        o3.step()
print("adversarial loss", l.item())
