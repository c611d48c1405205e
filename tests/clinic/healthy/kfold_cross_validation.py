import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import DataLoader, TensorDataset

N_FOLDS, EPOCHS, BATCH, LR, SEED = 5, 10, 32, 2e-3, 42


class TabNet(nn.Module):
    def __init__(self, num_features, hidden=48):
        super().__init__()
        self.dense1 = nn.Linear(num_features, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(0.2)
        self.dense2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        x = self.dropout(torch.relu(self.norm1(self.dense1(x))))
        x = self.dropout(torch.relu(self.dense2(x)))
        return self.out(x)


def train_fn(model, optimizer, loss_fn, loader):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()


def valid_fn(model, loader):
    model.eval()
    preds = []
    with torch.no_grad():
        for x, _ in loader:
            preds.append(model(x).softmax(1)[:, 1].numpy())
    return np.concatenate(preds)


def run_training(fold, train_idx, valid_idx, X, y):
    torch.manual_seed(SEED + fold)
    mean, std = X[train_idx].mean(0), X[train_idx].std(0)
    scaled = ((X - mean) / std).astype(np.float32)
    train_loader = DataLoader(
        TensorDataset(torch.from_numpy(scaled[train_idx]), torch.from_numpy(y[train_idx])), batch_size=BATCH, shuffle=True
    )
    valid_loader = DataLoader(TensorDataset(torch.from_numpy(scaled[valid_idx]), torch.from_numpy(y[valid_idx])), batch_size=128)
    model = TabNet(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    loss_fn = nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        train_fn(model, optimizer, loss_fn, train_loader)
    oof = valid_fn(model, valid_loader)
    print(f"FOLD {fold}: accuracy {((oof > 0.5) == y[valid_idx]).mean():.4f}")
    return oof


np.random.seed(SEED)
X, y = load_breast_cancer(return_X_y=True)
oof = np.zeros(len(y))
folds = StratifiedKFold(n_splits=N_FOLDS, shuffle=True, random_state=SEED)
for fold, (train_idx, valid_idx) in enumerate(folds.split(X, y)):
    oof[valid_idx] = run_training(fold, train_idx, valid_idx, X, y)
print(f"CV accuracy: {((oof > 0.5) == y).mean():.4f}")
