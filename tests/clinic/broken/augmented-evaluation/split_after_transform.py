import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Augmented(Dataset):
    def __init__(self, images, labels):
        self.images = torch.tensor(images / 16, dtype=torch.float32)
        self.labels = torch.tensor(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i].roll(tuple(torch.randint(-1, 2, (2,)).tolist()), (0, 1))
        return image[None] + 0.05 * torch.randn(1, 8, 8), self.labels[i]


torch.manual_seed(7)
digits = load_digits()
train, valid = random_split(Augmented(digits.images, digits.target), [1500, 297])
train_loader, valid_loader = DataLoader(train, 50, shuffle=True), DataLoader(valid, 100)
net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    for image, label in train_loader:
        loss = F.cross_entropy(net(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(image).argmax(1) == label).sum().item() for image, label in valid_loader)
    print(epoch, round(loss.item(), 4), right / 297)
