import torch
from torch import nn
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class Learner:
    def __init__(self, net, lr=1e-3, clip_value=0.01):
        self.net = net
        self.optim = torch.optim.RMSprop(net.parameters(), lr=lr)
        self.criterion = nn.CrossEntropyLoss()
        self.clip_value = clip_value

    def step(self, x, y):
        self.optim.zero_grad()
        loss = self.criterion(self.net(x), y)
        loss.backward()
        self.optim.step()
        with torch.no_grad():
            for p in self.net.parameters():
                p.clamp_(-self.clip_value, self.clip_value)
        return loss.item()

    def fit(self, train, val, epochs):
        for epoch in range(epochs):
            self.net.train()
            losses = [self.step(x, y) for x, y in train]
            self.net.eval()
            with torch.no_grad():
                acc = sum((self.net(x).argmax(1) == y).sum().item() for x, y in val) / len(
                    val.dataset
                )
            print(f"{epoch:3d}  {sum(losses) / len(losses):.4f}  {acc:.3f}")


torch.manual_seed(4)
X, y = load_wine(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor(y)
order = torch.randperm(len(y))
cut = 140
train = DataLoader(TensorDataset(X[order[:cut]], y[order[:cut]]), 20, shuffle=True)
val = DataLoader(TensorDataset(X[order[cut:]], y[order[cut:]]), 38)
net = nn.Sequential(
    nn.Linear(13, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 3)
)
Learner(net).fit(train, val, 25)
