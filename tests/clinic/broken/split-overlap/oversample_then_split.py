import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(0)
torch.manual_seed(0)

X, y = make_classification(
    n_samples=2000, n_features=16, n_informative=8, weights=[0.85, 0.15], class_sep=0.9, flip_y=0.04, random_state=0
)
df = pd.DataFrame(X, columns=[f"f{i}" for i in range(16)])
df["target"] = y

# balance the classes
minority = df[df.target == 1]
missing = (df.target == 0).sum() - len(minority)
df = pd.concat([df, minority.sample(missing, replace=True, random_state=0)], ignore_index=True)
print(df.target.value_counts().to_dict())

train_df, val_df = train_test_split(df, test_size=0.2, stratify=df.target, random_state=0)
cols = [c for c in df.columns if c != "target"]
mean, std = train_df[cols].mean(), train_df[cols].std()


def to_dataset(frame):
    x = ((frame[cols] - mean) / std).values.astype("float32")
    return TensorDataset(torch.tensor(x), torch.tensor(frame.target.values, dtype=torch.float32))


train_loader = DataLoader(to_dataset(train_df), batch_size=64, shuffle=True, drop_last=True)
val_loader = DataLoader(to_dataset(val_df), batch_size=256)

model = nn.Sequential(
    nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 1)
)
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.BCEWithLogitsLoss()

for epoch in range(15):
    model.train()
    train_loss = 0
    for xb, yb in train_loader:
        opt.zero_grad()
        loss = loss_fn(model(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        train_loss += loss.item()
    model.eval()
    preds, truth = [], []
    with torch.no_grad():
        for xb, yb in val_loader:
            preds.append((model(xb).squeeze(1) > 0).int())
            truth.append(yb.int())
    f1 = f1_score(torch.cat(truth), torch.cat(preds))
    print(f"epoch {epoch:2d} train loss {train_loss / len(train_loader):.4f} val F1 {f1:.4f}")
