import pandas as pd
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)
bunch = load_wine(as_frame=True)
df = pd.concat([bunch.data, bunch.target.rename("cultivar")], axis=1).astype("float32")
train_df, test_df = train_test_split(df, test_size=0.25, stratify=df.cultivar, random_state=1)
feature_cols = [c for c in df.columns if c != "cultivar"]
mean, std = train_df[feature_cols].mean(), train_df[feature_cols].std()


class WineDataset(Dataset):
    def __init__(self, frame):
        self.x = torch.tensor(((frame[feature_cols] - mean) / std).values)
        self.y = torch.tensor(frame["cultivar"].values)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(13, 32)
        self.l2 = nn.Linear(32, 3)

    def forward(self, x):
        return self.l2(torch.relu(self.l1(x)))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


train_dl = DataLoader(WineDataset(train_df), batch_size=16, shuffle=True)
test_dl = DataLoader(WineDataset(test_df), batch_size=45)
model = MLP()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    model.train()
    for x, y in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} test accuracy {accuracy(model, test_dl):.3f}")
