import torch, torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X / 16.0).float()
y = torch.tensor(y)


class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 16)
        )
        self.decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Trainer:
    def __init__(self, model, loader, lossf, lr, supervised):
        self.model, self.loader, self.lossf, self.sup = model, loader, lossf, supervised
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def fit(self, n):
        for ep in range(n):
            for xb, yb in self.loader:
                out = self.model(xb)
                loss = self.lossf(out, yb if self.sup else xb)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
            print(ep, loss.item())


ld = DataLoader(TensorDataset(X[:1400], y[:1400]), 64, shuffle=True)
ae = AE()
Trainer(ae, ld, nn.MSELoss(), 1e-3, False).fit(4)
ae.eval()
with torch.no_grad():
    print("reconstruction", nn.functional.mse_loss(ae(X[1400:]), X[1400:]).item())
clf = nn.Sequential(ae.encoder, nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 10))
clf.eval()
with torch.no_grad():
    print("before", (clf(X[1400:]).argmax(1) == y[1400:]).float().mean().item())
Trainer(clf, ld, nn.CrossEntropyLoss(), 1e-3, True).fit(8)
clf.eval()
with torch.no_grad():
    print("after", (clf(X[1400:]).argmax(1) == y[1400:]).float().mean().item())
