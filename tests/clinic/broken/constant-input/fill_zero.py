import argparse

import pandas as pd
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from torch.utils.data import DataLoader, Dataset


class Wine(Dataset):
    def __init__(self, frame, columns):
        self.x = torch.tensor(frame.reindex(columns=columns).fillna(0.0).to_numpy(), dtype=torch.float32)
        self.y = torch.tensor(frame["kind"].to_numpy())

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"x": self.x[i], "label": self.y[i]}


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()
torch.manual_seed(0)
wine = load_wine(as_frame=True)
frame = wine.data.rename(columns=str.upper).sample(frac=1, random_state=0)
frame["kind"] = wine.target
columns = [c for c in wine.data.columns]
train, valid = Wine(frame[:140], columns), Wine(frame[140:], columns)
net = nn.Sequential(nn.Linear(len(columns), 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(args.epochs):
    for batch in DataLoader(train, batch_size=20, shuffle=True):
        loss = nn.functional.cross_entropy(net(batch["x"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(b["x"]).argmax(1) == b["label"]).sum().item() for b in DataLoader(valid, batch_size=50))
    print(epoch, loss.item(), right / len(valid))
