import torch
from accelerate import Accelerator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"lr": 2e-3, "epochs": 8, "batch_size": 64, "width": 24, "seed": 11}


class Backbone(nn.Module):
    def __init__(self, width, num_classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.body = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        )
        self.fc = nn.Linear(8 * width, num_classes)

    def forward(self, x):
        return self.fc(self.body(self.stem(x)).flatten(1))


def build_model(width):
    # rotation pretext: four classes
    return Backbone(width, 4)


def pretext(model, images, steps=60):
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        pick = torch.randint(0, len(images), (64,))
        turn = torch.randint(0, 4, (64,))
        batch = torch.stack([torch.rot90(images[i], int(k), (1, 2)) for i, k in zip(pick, turn)])
        loss = nn.functional.cross_entropy(model(batch), turn)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


def get_loaders(batch_size):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(y)
    tr, te = train_test_split(range(len(y)), test_size=0.2, random_state=1, stratify=y)
    return (
        x[tr],
        DataLoader(TensorDataset(x[tr], y[tr]), batch_size, shuffle=True),
        DataLoader(TensorDataset(x[te], y[te]), 256),
    )


def run(cfg):
    torch.manual_seed(cfg["seed"])
    accelerator = Accelerator(cpu=True)
    images, train, test = get_loaders(cfg["batch_size"])
    model = build_model(cfg["width"])
    accelerator.print("pretext loss", pretext(model, images))
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=1e-2)
    model.fc = nn.Linear(model.fc.in_features, 10)
    model, optimizer, train, test = accelerator.prepare(model, optimizer, train, test)
    for epoch in range(cfg["epochs"]):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
        model.eval()
        good = 0
        with torch.no_grad():
            for x, y in test:
                good += (model(x).argmax(1) == y).sum().item()
        accelerator.print(epoch, loss.item(), good / len(test.dataset))


if __name__ == "__main__":
    run(CONFIG)
