import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(6)


class Scans(Dataset):
    def __init__(self, n):
        self.age = 40 * torch.rand(n) + 30
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i + 1000 * self.n)
        size = 4 + 4 * (self.age[i] - 30) / 40
        grid = torch.linspace(-10, 10, 20)
        blob = torch.exp(-(grid[:, None] ** 2 + grid[None] ** 2) / (2 * size**2))
        image = blob + 0.2 * torch.randn(20, 20, generator=generator)
        return {"image": image[None], "age": ((self.age[i] - 50) / 12).float()}


class AgeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        self.norm = nn.BatchNorm1d(32)
        self.fc1 = nn.Linear(32, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, image):
        z = self.norm(self.conv(image).flatten(1))
        return self.fc2(torch.relu(self.fc1(z))).squeeze(1)


BATCH = 2
train = DataLoader(Scans(500), batch_size=BATCH, shuffle=True, num_workers=0)
valid = DataLoader(Scans(120), batch_size=20)
net = AgeNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
mae = nn.L1Loss()
for epoch in range(4):
    net.train()
    for batch in train:
        optimizer.zero_grad()
        loss = mae(net(batch["image"]), batch["age"])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        error = sum(mae(net(b["image"]), b["age"]).item() for b in valid) / len(valid)
    print(f"epoch {epoch} years off {12 * error:.2f}")
