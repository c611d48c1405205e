import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
SEGMENTS = ["student", "family", "senior", "business"]

# customers as exported by the CRM: segment ids start at 1
centres = 1.5 * torch.randn(len(SEGMENTS), 12)
segment = torch.randint(1, len(SEGMENTS) + 1, (1000,))
features = centres[segment - 1] + torch.randn(1000, 12)
features = (features - features[:800].mean(0)) / features[:800].std(0)

train_loader = DataLoader(TensorDataset(features[:800], segment[:800]), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(features[800:], segment[800:]), batch_size=200)

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, len(SEGMENTS)))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(10):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} val acc {correct / 200:.3f}")
