import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(features, 48), nn.Linear(48, 32), nn.Linear(32, classes)])

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return x


torch.manual_seed(4)
wine = load_wine()
x, y = torch.tensor(scale(wine.data), dtype=torch.float32), torch.tensor(wine.target)
order = torch.randperm(len(y))
x, y = x[order], y[order]
train_loader = DataLoader(TensorDataset(x[:140], y[:140]), batch_size=20, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[140:], y[140:]), batch_size=40)
model = Classifier(13, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
