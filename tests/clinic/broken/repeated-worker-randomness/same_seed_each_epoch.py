import random

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 2024
digits = load_digits()
pixels = torch.tensor(digits.images, dtype=torch.float32) / 16
targets = torch.tensor(digits.target)


class Digits(Dataset):
    def __init__(self, first, last, augment=False):
        self.pixels, self.targets, self.augment = pixels[first:last], targets[first:last], augment

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image = self.pixels[index]
        if self.augment:
            image = torch.roll(image, (random.randint(-1, 1), random.randint(-1, 1)), (0, 1))
            image = image * random.uniform(0.7, 1.2)
        return image[None] - 0.3, self.targets[index]


def init_worker(worker_id):
    random.seed(SEED + worker_id)


def main():
    random.seed(SEED)
    torch.manual_seed(SEED)
    train = DataLoader(
        Digits(0, 1400, augment=True), batch_size=50, shuffle=True, num_workers=2, worker_init_fn=init_worker
    )
    test = DataLoader(Digits(1400, 1797), batch_size=100)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(4):
        model.train()
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right / 397:.3f}")


if __name__ == "__main__":
    main()
