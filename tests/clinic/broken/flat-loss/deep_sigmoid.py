import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(38)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=38)
mean, std = X_train.mean(), X_train.std()
train_ds = TensorDataset(torch.tensor((X_train - mean) / std, dtype=torch.float32), torch.tensor(y_train))
val_ds = TensorDataset(torch.tensor((X_val - mean) / std, dtype=torch.float32), torch.tensor(y_val))
train_dl, val_dl = DataLoader(train_ds, batch_size=64, shuffle=True), DataLoader(val_ds, batch_size=180)


class DeepNet(nn.Module):
    def __init__(self, depth=12, width=64):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, width)] + [nn.Linear(width, width) for _ in range(depth - 1)])
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        return self.last(x)


net = DeepNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    net.train()
    epoch_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        acc = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in val_dl) / len(val_ds)
    print(f"epoch {epoch} loss {epoch_loss / len(train_ds):.4f} val accuracy {acc:.4f}")
