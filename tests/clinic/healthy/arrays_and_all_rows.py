import numpy as np, torch
from torch import nn
from sklearn.datasets import load_breast_cancer

rng = np.random.default_rng(0)
data = load_breast_cancer()
X = (data.data - data.data.mean(0)) / data.data.std(0)
pick = rng.permutation(len(X))
X, y = X[pick].astype(np.float32), data.target[pick]
cut = 420
x_tr, y_tr = torch.from_numpy(X[:cut]), torch.from_numpy(y[:cut])
x_te, y_te = torch.from_numpy(X[cut:]), torch.from_numpy(y[cut:])
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(20):
    order = torch.randperm(cut)
    net.train()
    for i in range(0, cut, 60):
        b = order[i : i + 60]
        loss = nn.functional.cross_entropy(net(x_tr[b]), y_tr[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(x_te).argmax(1) == y_te).float().mean()
        tr = (net(x_tr).argmax(1) == y_tr).float().mean()
        curve = net(torch.from_numpy(X)).softmax(1)[:, 1]
    print(epoch, loss.item(), tr.item(), acc.item(), curve.mean().item())
