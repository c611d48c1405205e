import random

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
random.seed(8)
np.random.seed(8)

data = load_wine()
x_tr, x_te, y_tr, y_te = train_test_split(data.data, data.target, test_size=0.3, random_state=8, stratify=data.target)
center, spread = x_tr.mean(axis=0), x_tr.std(axis=0)
x_tr = torch.as_tensor((x_tr - center) / spread, dtype=torch.float32)
x_te = torch.as_tensor((x_te - center) / spread, dtype=torch.float32)
y_tr, y_te = torch.as_tensor(y_tr), torch.as_tensor(y_te)

loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=16, shuffle=True, drop_last=True)
model = torch.nn.Sequential(
    torch.nn.Linear(13, 24), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(24, 3)
)
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
loss_fn = torch.nn.CrossEntropyLoss()

max_steps = 200
step = 0
batches = iter(loader)
model.train()
while step < max_steps:
    try:
        xb, yb = next(batches)
    except StopIteration:
        batches = iter(loader)
        xb, yb = next(batches)
    loss = loss_fn(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    if step % 40 == 0:
        model.eval()
        with torch.no_grad():
            scores = model(x_te)
            val_loss = loss_fn(scores, y_te).item()
            acc = (scores.argmax(dim=1) == y_te).float().mean().item()
        model.train()
        print(f"step {step:4d} loss {loss.item():.4f} test loss {val_loss:.4f} test acc {acc:.3f}")
