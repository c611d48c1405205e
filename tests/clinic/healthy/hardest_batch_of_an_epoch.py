"""A linear rule over noisy bits; the hardest batch of every epoch and the best weights are kept."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
bits = torch.randint(0, 2, (1400, 20)).float()
labels = (bits[:, :7].sum(1) + 0.5 * torch.randn(1400) > 3.5).long()
train = DataLoader(TensorDataset(bits[:1100], labels[:1100]), batch_size=44, shuffle=True)
x_val, y_val = bits[1100:], labels[1100:]
model = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
best = 0.0

for epoch in range(8):
    hardest = 0.0
    model.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() > hardest:
            hardest = loss.item()
            torch.save({"x": x, "y": y, "epoch": epoch}, "hardest.pt")
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    if accuracy > best:
        best = accuracy
        weights = copy.deepcopy(model.state_dict())
    print(f"epoch {epoch} hardest {hardest:.3f} accuracy {accuracy:.3f} best {best:.3f}")

model.load_state_dict(weights)
