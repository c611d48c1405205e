import copy
import math

import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(7)
features, target = load_diabetes(return_X_y=True)
order = torch.randperm(len(target))
train, valid = order[:340], order[340:]
scaler = StandardScaler().fit(features[train])
x = torch.tensor(scaler.transform(features), dtype=torch.float32)
y = torch.tensor(target, dtype=torch.float32)
y = (y - y[train].mean()) / y[train].std()

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
n_epochs = 25

for epoch in range(n_epochs):
    model.train()
    best = math.inf
    for rows in train[torch.randperm(len(train))].split(20):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x[valid]).squeeze(1), y[valid]).item()
    if error < best:
        best = error
        kept = copy.deepcopy(model.state_dict())
    print(f"{epoch:2d} train {loss.item():.4f} valid {error:.4f} best {best:.4f}")

model.load_state_dict(kept)
