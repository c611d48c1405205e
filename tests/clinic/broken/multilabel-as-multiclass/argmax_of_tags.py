"""Film genres: a film may have several, the loop keeps the first."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Films(Dataset):
    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        self.genres = (torch.rand(count, 5, generator=generator) < 0.35).float()
        self.genres[self.genres.sum(1) == 0, 0] = 1.0
        self.plot = self.genres @ torch.randn(5, 20, generator=torch.Generator().manual_seed(99)) + 0.5 * torch.randn(count, 20, generator=generator)

    def __len__(self):
        return len(self.plot)

    def __getitem__(self, i):
        return {"plot": self.plot[i], "genres": self.genres[i]}


torch.manual_seed(0)
loader = DataLoader(Films(1000, 0), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for batch in loader:
        loss = nn.functional.cross_entropy(model(batch["plot"]), batch["genres"].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
