import random

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

random.seed(7)
np.random.seed(7)

table, kinds = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(table, kinds, test_size=0.3, stratify=kinds)
scaler = StandardScaler().fit(x_train)
x_train = torch.from_numpy(scaler.transform(x_train)).float()
x_test = torch.from_numpy(scaler.transform(x_test)).float()
y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)

net = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Dropout(0.2), nn.Linear(32, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(30):
    net.train()
    order = torch.randperm(len(x_train))
    for start in range(0, len(order), 16):
        rows = order[start : start + 16]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = (net(x_test).argmax(1) == y_test).float().mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, accuracy {right:.3f}")
