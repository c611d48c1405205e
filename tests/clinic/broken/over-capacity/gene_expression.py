import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 21
np.random.seed(SEED)
torch.manual_seed(SEED)

# 90 patients, 400 genes, a handful of them informative
genes = [f"g{i}" for i in range(400)]
frame = pd.DataFrame(np.random.gamma(2.0, 1.0, (90, 400)), columns=genes)
risk = 0.8 * frame["g3"] - 0.7 * frame["g17"] + 0.6 * frame["g250"] + np.random.normal(0, 1.5, 90)
frame["relapse"] = (risk > risk.median()).astype(int)

train, valid = train_test_split(frame, test_size=0.35, stratify=frame["relapse"], random_state=SEED)
scaler = StandardScaler().fit(train[genes])


def dataset(part):
    x = torch.tensor(scaler.transform(part[genes]), dtype=torch.float32)
    return TensorDataset(x, torch.tensor(part["relapse"].to_numpy()))


train_dl = DataLoader(dataset(train), batch_size=12, shuffle=True)
valid_dl = DataLoader(dataset(valid), batch_size=32)


class RelapseNet(nn.Module):
    def __init__(self, inputs, hidden=(1024, 1024, 512)):
        super().__init__()
        sizes = [inputs, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.out = nn.Linear(sizes[-1], 2)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x)


net = RelapseNet(len(genes))
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)

for epoch in range(25):
    net.train()
    running = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(xb)
    net.eval()
    hits, valid_loss = 0, 0.0
    with torch.no_grad():
        for xb, yb in valid_dl:
            logits = net(xb)
            valid_loss += loss_fn(logits, yb).item() * len(xb)
            hits += (logits.argmax(1) == yb).sum().item()
    print(f"{epoch:02d} train {running / len(train):.3f} valid {valid_loss / len(valid):.3f} acc {hits / len(valid):.3f}")
