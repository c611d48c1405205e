import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.tensor(self.images[i], dtype=torch.float32)[None]
        return (self.transform(image) if self.transform else image), int(self.labels[i])


def normalise(image):
    return (image / 16 - 0.3) / 0.38


torch.manual_seed(6)
digits = load_digits()
train = DataLoader(Digits(digits.images[:1500], digits.target[:1500], normalise), 50, shuffle=True)
valid = DataLoader(Digits(digits.images[1500:], digits.target[1500:]), 100)
net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    for image, label in train:
        loss = F.cross_entropy(net(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(image).argmax(1) == label).sum().item() for image, label in valid)
    print(epoch, round(loss.item(), 4), right / 297)
