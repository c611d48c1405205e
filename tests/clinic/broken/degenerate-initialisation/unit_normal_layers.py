"""Deep residual-free MLP for HAR features with custom init."""
import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import make_classification
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(31)
X, y = make_classification(1600, 40, n_informative=18, n_redundant=6, n_classes=5, n_clusters_per_class=1, class_sep=1.3,
                           random_state=31)
X = (X - X.mean(0)) / X.std(0)
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
train_set, val_set = random_split(data, [1300, 300], generator=torch.Generator().manual_seed(0))


class DeepMLP(nn.Module):
    def __init__(self, n_in, width=96, depth=5, n_out=5):
        super().__init__()
        dims = [n_in] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(dims, dims[1:]))
        self.drop = nn.Dropout(0.05)
        self.out = nn.Linear(width, n_out)
        self.apply(self.reset)

    @staticmethod
    def reset(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, mean=0.0, std=1.0)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        for layer in self.hidden:
            x = self.drop(F.relu(layer(x)))
        return self.out(x)


def loop(model, loader, opt=None):
    model.train(opt is not None)
    total = correct = 0
    for xb, yb in loader:
        logits = model(xb)
        loss = F.cross_entropy(logits, yb)
        if opt:
            opt.zero_grad(); loss.backward(); opt.step()
        total += loss.item() * len(xb); correct += (logits.argmax(1) == yb).sum().item()
    return total / len(loader.dataset), correct / len(loader.dataset)


model = DeepMLP(40)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=150)
for epoch in range(12):
    tl, ta = loop(model, train_loader, optimizer)
    with torch.no_grad():
        vl, va = loop(model, val_loader)
    print(f"{epoch} | {tl:.3f} {ta:.3f} | {vl:.3f} {va:.3f}")
