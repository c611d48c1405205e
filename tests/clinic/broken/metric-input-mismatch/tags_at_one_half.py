# Tags of scenes from 24 measurements; several tags may hold at once.
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

generator = torch.Generator().manual_seed(6)
x = torch.randn(1800, 24, generator=generator)
mix = torch.randn(24, 5, generator=generator)
tags = ((x @ mix) / 5 + 0.3 * torch.randn(1800, 5, generator=generator) > 0.7).float()
train_set = TensorDataset(x[:1400], tags[:1400])
x_val, tags_val = x[1400:], tags[1400:]

torch.manual_seed(6)
model = nn.Sequential(nn.Linear(24, 64), nn.GELU(), nn.Linear(64, 5))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

for epoch in range(8):
    model.train()
    for xb, yb in DataLoader(train_set, batch_size=50, shuffle=True):
        outputs = model(xb)
        loss = criterion(outputs, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        outputs = model(x_val)
        predicted = (outputs > 0.5).float()
        hits = (predicted * tags_val).sum(0)
        recall = (hits / tags_val.sum(0)).mean()
        precision = (hits / predicted.sum(0).clamp(min=1)).mean()
    print(f"epoch {epoch} loss {loss.item():.4f} precision {precision:.3f} recall {recall:.3f}")
