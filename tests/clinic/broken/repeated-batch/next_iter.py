# A step-based loop that asks a fresh iterator for every batch
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
data = load_breast_cancer()
x, y = torch.tensor(scale(data.data), dtype=torch.float32), torch.tensor(data.target)
loader = DataLoader(TensorDataset(x[:450], y[:450]), batch_size=30)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(300):
    inputs, labels = next(iter(loader))
    loss = nn.functional.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step, loss.item(), (model(x[450:]).argmax(1) == y[450:]).float().mean().item())
