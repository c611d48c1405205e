"""Features from a PCA of the training pixels; the classifier on top is what should learn."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PcaNet(nn.Module):
    def __init__(self, components, n_classes):
        super().__init__()
        self.encoder = nn.Linear(components.shape[1], components.shape[0], bias=False)
        self.encoder.weight.data.copy_(torch.from_numpy(components).float())
        self.act = nn.Tanh()
        self.out = nn.Linear(components.shape[0], n_classes)

    def forward(self, x):
        return self.out(self.act(self.encoder(x)))


def set_trainable(model, prefix, flag):
    for name, param in model.named_parameters():
        param.requires_grad = flag if name.startswith(prefix) else not flag


def run():
    np.random.seed(12)
    torch.manual_seed(12)
    pixels, digit = load_digits(return_X_y=True)
    order = np.random.permutation(len(digit))
    pixels, digit = pixels[order] / 8 - 1, digit[order]
    components = PCA(40, random_state=0).fit(pixels[:1350]).components_
    x, y = torch.tensor(pixels, dtype=torch.float32), torch.tensor(digit)
    train_dl = DataLoader(TensorDataset(x[:1350], y[:1350]), batch_size=45, shuffle=True)
    val_dl = DataLoader(TensorDataset(x[1350:], y[1350:]), batch_size=150)

    model = PcaNet(components, 10)
    set_trainable(model, "encoder", True)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        for xb, yb in train_dl:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in val_dl)
        print(f"epoch {epoch:2d}: loss {loss.item():.4f} val acc {hits / 447:.4f}")


run()
