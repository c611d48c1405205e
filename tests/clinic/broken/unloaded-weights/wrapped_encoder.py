import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 16, 64)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        return F.relu(self.fc(x.flatten(1)))


class Pretrainer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.rotation = nn.Linear(64, 4)

    def forward(self, x):
        return self.rotation(self.encoder(x))


class Classifier(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.backbone = Encoder()
        self.backbone.load_state_dict(torch.load(path), strict=False)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(self.backbone(x))


if __name__ == "__main__":
    torch.manual_seed(3)
    path = "encoder_rotation.pth"
    if not os.path.exists(path):
        torch.save(Pretrainer().state_dict(), path)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train = TensorDataset(x[order[:1400]], y[order[:1400]])
    held = TensorDataset(x[order[1400:]], y[order[1400:]])
    loader = DataLoader(train, batch_size=64, shuffle=True)
    model = Classifier(path)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(4):
        model.train()
        for xb, yb in loader:
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(a).argmax(1) == b).sum().item() for a, b in DataLoader(held, 128))
        print(f"epoch {epoch} accuracy {right / len(held):.3f}")
