import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
np.random.seed(0)

bunch = load_breast_cancer(as_frame=True)
patients = bunch.frame.sort_values("target").reset_index(drop=True)
n_train = 200
train_df, val_df = patients.iloc[:n_train], patients.iloc[n_train:].sample(150, random_state=0)
cols = list(bunch.data.columns)
mean, std = train_df[cols].mean(), train_df[cols].std()


def loader(frame, shuffle):
    x = torch.tensor(((frame[cols] - mean) / std).values, dtype=torch.float32)
    y = torch.tensor(frame["target"].values, dtype=torch.float32).unsqueeze(1)
    return DataLoader(TensorDataset(x, y), batch_size=20, shuffle=shuffle)


train_loader, val_loader = loader(train_df, True), loader(val_df, False)
model = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 1))
optimizer = optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(12):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(x)
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in val_loader:
            hits += ((model(x) > 0).float() == y).sum().item()
    print(f"epoch {epoch + 1:02d} train loss {train_loss / n_train:.4f} val acc {hits / len(val_df):.3f}")
