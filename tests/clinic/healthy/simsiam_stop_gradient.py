import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(7)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16


class TwoViews(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def view(self, image):
        image = torch.roll(image, tuple(torch.randint(-1, 2, (2,)).tolist()), dims=(1, 2))
        return image * (0.8 + 0.4 * torch.rand(1)) + 0.05 * torch.randn_like(image)

    def __getitem__(self, index):
        return self.view(self.images[index]), self.view(self.images[index])


class SimSiam(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
            nn.Linear(512, width),
        )
        self.projector = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width), nn.BatchNorm1d(width),
        )
        self.predictor = nn.Sequential(
            nn.Linear(width, width // 4), nn.BatchNorm1d(width // 4), nn.ReLU(), nn.Linear(width // 4, width)
        )

    def forward(self, a, b):
        z1, z2 = self.projector(self.backbone(a)), self.projector(self.backbone(b))
        p1, p2 = self.predictor(z1), self.predictor(z2)
        return p1, p2, z1, z2


def distance(p, z):
    return -F.cosine_similarity(p, z, dim=1).mean()


model = SimSiam()
loader = DataLoader(TwoViews(images[:1400]), batch_size=128, shuffle=True, drop_last=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for epoch in range(15):
    total = 0.0
    for a, b in loader:
        p1, p2, z1, z2 = model(a, b)
        loss = 0.5 * (distance(p1, z2.detach()) + distance(p2, z1.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} loss {total / len(loader):.4f}")

model.eval()
with torch.no_grad():
    features = model.backbone(images).numpy()
    z = F.normalize(model.projector(model.backbone(images)), dim=1)
print("std", z.std(0).mean().item() * 8)
probe = LogisticRegression(max_iter=500).fit(features[:1400], labels[:1400])
print("linear probe", probe.score(features[1400:], labels[1400:]))
