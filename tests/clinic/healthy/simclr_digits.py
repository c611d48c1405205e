import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(123)
np.random.seed(123)

raw, target = load_digits(return_X_y=True)
raw = torch.tensor(raw, dtype=torch.float32).view(-1, 1, 8, 8) / 16
order = torch.randperm(len(raw))
train_x, train_y = raw[order[:1400]], target[order[:1400].numpy()]
test_x, test_y = raw[order[1400:]], target[order[1400:].numpy()]


class ContrastiveViews(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def augment(self, img):
        dy, dx = torch.randint(-1, 2, (2,)).tolist()
        img = torch.roll(img, (dy, dx), dims=(1, 2))
        theta = torch.eye(2, 3).unsqueeze(0) + 0.12 * torch.randn(1, 2, 3) * torch.tensor([1.0, 1.0, 0.0])
        grid = F.affine_grid(theta, [1, 1, 8, 8], align_corners=False)
        img = F.grid_sample(img.unsqueeze(0), grid, align_corners=False).squeeze(0)
        return img * (0.7 + 0.6 * torch.rand(1)) + 0.08 * torch.randn_like(img)

    def __getitem__(self, i):
        return self.augment(self.images[i]), self.augment(self.images[i])


class SimCLR(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 48, 3, padding=1, stride=2), nn.BatchNorm2d(48), nn.ReLU(),
            nn.Flatten(), nn.Linear(48 * 16, dim),
        )  # fmt: skip
        self.projector = nn.Sequential(nn.ReLU(), nn.Linear(dim, 32))

    def forward(self, x):
        h = self.encoder(x)
        return h, F.normalize(self.projector(h), dim=-1)


def nt_xent(z1, z2, temperature=0.3):
    n = len(z1)
    z = torch.cat([z1, z2])
    sim = z @ z.t() / temperature
    sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(sim, partner)


def knn_accuracy(model):
    model.eval()
    with torch.no_grad():
        bank, query = model(train_x)[0].numpy(), model(test_x)[0].numpy()
    model.train()
    return KNeighborsClassifier(5).fit(bank, train_y).score(query, test_y)


model = SimCLR()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loader = DataLoader(ContrastiveViews(train_x), batch_size=100, shuffle=True, drop_last=True)
print(f"untrained kNN accuracy {knn_accuracy(model):.3f}")
for epoch in range(8):
    model.train()
    total = 0.0
    for view1, view2 in loader:
        loss = nt_xent(model(view1)[1], model(view2)[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} nt-xent {total / len(loader):.4f} kNN accuracy {knn_accuracy(model):.3f}")
