"""Which of two bursts is louder? A small transformer over sensor windows."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)


def windows(n):
    x = 0.5 * torch.randn(n, 10, 6)
    first, second = torch.rand(n) + 0.5, torch.rand(n) + 0.5
    x[:, 2, 0] += 3 * first
    x[:, 7, 0] += 3 * second
    return x, (second > first).long()


class SensorTransformer(nn.Module):
    def __init__(self, features=6, dim=32, classes=2):
        super().__init__()
        self.project = nn.Linear(features, dim)
        self.position = nn.Parameter(0.02 * torch.randn(10, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.1)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        hidden = self.encoder(self.project(x) + self.position)
        return self.head(hidden.mean(dim=1))


train = DataLoader(TensorDataset(*windows(640)), batch_size=32, shuffle=True)
val_x, val_y = windows(200)
model = SensorTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(6):
    model.train()
    total = 0.0
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    model.eval()
    with torch.no_grad():
        accuracy = (model(val_x).argmax(1) == val_y).float().mean().item()
    print(f"epoch {epoch} loss {total / 640:.3f} val accuracy {accuracy:.3f}")
