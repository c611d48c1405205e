# Fraud detection baseline
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(51)
torch.manual_seed(51)

n = 3000
df = pd.DataFrame(np.random.normal(size=(n, 10)), columns=[f"V{i}" for i in range(10)])
df["amount"] = np.random.lognormal(3, 1, n)
risk = 0.7 * df.V0 - 0.6 * df.V3 + 0.5 * df.V5 * df.V7 + 0.4 * np.log(df.amount) - 1.2 + np.random.normal(0, 1.3, n)
df["fraud"] = (risk > np.quantile(risk, 0.965)).astype(int)
df["amount"] = np.log(df.amount)
train_df, val_df = train_test_split(df, test_size=0.25, stratify=df.fraud, random_state=51)
print("share of fraud:", train_df.fraud.mean())
cols = [c for c in df.columns if c != "fraud"]
mean, std = train_df[cols].mean(), train_df[cols].std()


def loader(frame, shuffle):
    x = torch.tensor(((frame[cols] - mean) / std).values, dtype=torch.float32)
    return DataLoader(TensorDataset(x, torch.tensor(frame.fraud.values)), batch_size=64, shuffle=shuffle)


train_loader, val_loader = loader(train_df, True), loader(val_df, False)
model = nn.Sequential(nn.Linear(11, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    preds, truth = [], []
    with torch.no_grad():
        for x, y in val_loader:
            preds.append(model(x).argmax(1))
            truth.append(y)
    preds, truth = torch.cat(preds), torch.cat(truth)
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {(preds == truth).float().mean():.4f}")
print(confusion_matrix(truth, preds, labels=[0, 1]))
