import torch, torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
X, y = load_digits(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X / 16.0, y, test_size=0.25, random_state=0, stratify=y)
tr = DataLoader(
    TensorDataset(torch.tensor(Xa).float().view(-1, 1, 8, 8), torch.tensor(ya)), 64, shuffle=True
)
va = DataLoader(TensorDataset(torch.tensor(Xb).float().view(-1, 1, 8, 8), torch.tensor(yb)), 256)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )

    def forward(self, x):
        return self.body(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.classifier = nn.Linear(288, 10)

    def forward(self, x):
        return self.classifier(self.backbone(x))


def run_epochs(net, opt, n, tag):
    for e in range(n):
        net.train()
        tot = 0
        for xb, yb in tr:
            opt.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            tot += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            acc = sum((net(a).argmax(1) == b).sum().item() for a, b in va) / len(va.dataset)
        print(tag, e, round(tot / len(tr.dataset), 4), round(acc, 4))


net = Net()
for p in net.backbone.parameters():
    p.requires_grad_(False)
opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=3e-3)
run_epochs(net, opt, 3, "head")
print("unfreezing the backbone")
for p in net.backbone.parameters():
    p.requires_grad_(True)
opt.add_param_group({"params": net.backbone.parameters(), "lr": 3e-4})
run_epochs(net, opt, 5, "all")
