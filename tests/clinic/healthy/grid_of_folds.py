import numpy as np, torch, torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import DataLoader, TensorDataset, Subset

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
accs = {}
for lr in (1e-3, 1e-2):
    for width in (16, 64):
        fold_acc = []
        for k, (a, b) in enumerate(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y)):
            mu, sd = X[a].mean(0), X[a].std(0)
            ds = TensorDataset(torch.tensor((X - mu) / sd).float(), torch.tensor(y))
            tr = DataLoader(Subset(ds, a), 16, shuffle=True)
            va = DataLoader(Subset(ds, b), 64)
            net = nn.Sequential(nn.Linear(13, width), nn.ReLU(), nn.Linear(width, 3))
            opt = torch.optim.Adam(net.parameters(), lr=lr)
            for ep in range(6):
                net.train()
                for q, t in tr:
                    opt.zero_grad()
                    l = nn.functional.cross_entropy(net(q), t)
                    l.backward()
                    opt.step()
            net.eval()
            with torch.no_grad():
                fold_acc.append(
                    np.mean([(net(q).argmax(1) == t).float().mean().item() for q, t in va])
                )
        accs[lr, width] = np.mean(fold_acc)
        print(lr, width, accs[lr, width])
best = max(accs, key=accs.get)
print("best", best)
net = nn.Sequential(nn.Linear(13, best[1]), nn.ReLU(), nn.Linear(best[1], 3))
opt = torch.optim.Adam(net.parameters(), lr=best[0])
Z = torch.tensor((X - X.mean(0)) / X.std(0)).float()
T = torch.tensor(y)
full = DataLoader(TensorDataset(Z, T), 16, shuffle=True)
for ep in range(10):
    for q, t in full:
        opt.zero_grad()
        l = nn.functional.cross_entropy(net(q), t)
        l.backward()
        opt.step()
print("final", l.item())
