import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Textures(Dataset):
    """Made-up textures in folders; the folders are listed in the order of the disk."""

    def __init__(self, folders, count, seed):
        self.class_to_idx = {name: i for i, name in enumerate(folders)}
        generator = torch.Generator().manual_seed(seed)
        self.items = []
        for name in folders:
            period = {"stripes": 2, "bands": 4, "fields": 8}[name]
            for _ in range(count):
                wave = ((torch.arange(16) // period) % 2).float().repeat(16, 1)
                self.items.append((wave[None] + 0.7 * torch.randn(1, 16, 16, generator=generator), self.class_to_idx[name]))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


torch.manual_seed(2)
train_loader = DataLoader(Textures(["bands", "fields", "stripes"], 200, 0), batch_size=40, shuffle=True)
valid_loader = DataLoader(Textures(["stripes", "bands", "fields"], 60, 1), batch_size=90)
model = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
