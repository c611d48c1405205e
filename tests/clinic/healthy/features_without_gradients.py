"""A denoising encoder is trained first; a classifier then reads its features."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
pixels, digits = load_digits(return_X_y=True)
pixels, digits = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(digits)
order = torch.randperm(len(pixels))
train_rows, test_rows = order[:1400], order[1400:]
train = DataLoader(TensorDataset(pixels[train_rows], digits[train_rows]), 50, shuffle=True)
test = DataLoader(TensorDataset(pixels[test_rows], digits[test_rows]), 200)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48))

    def forward(self, x):
        return self.net(x)


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        with torch.no_grad():
            features = self.encoder(x)
        return self.head(features)


encoder, decoder = Encoder(), nn.Sequential(nn.ReLU(), nn.Linear(48, 64))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
for epoch in range(8):
    for x, _ in train:
        noisy = x + 0.2 * torch.randn_like(x)
        loss = nn.functional.mse_loss(decoder(encoder(noisy)), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("reconstruction", epoch, round(loss.item(), 4))

model = Classifier(encoder)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
    print("classes", epoch, round(loss.item(), 4), round(hits / len(test_rows), 4))
