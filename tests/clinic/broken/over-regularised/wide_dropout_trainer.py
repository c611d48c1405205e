import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(41)
P = 0.95


class TCN(nn.Module):
    def __init__(self, channels=2, width=24, classes=3, levels=4):
        super().__init__()
        layers = []
        for i in range(levels):
            layers += [
                nn.Conv1d(channels if i == 0 else width, width, 3, padding=2**i, dilation=2**i), nn.ReLU(), nn.Dropout(P),
            ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.body(x).mean(-1))


def gestures(n):
    kind = torch.randint(0, 3, (n,))
    t = torch.linspace(0, 6.28, 64)
    phase = 6.28 * torch.rand(n, 1)
    a = torch.sin((1 + kind[:, None]) * t + phase)
    b = torch.cos((3 - kind[:, None]) * t - phase)
    return TensorDataset(torch.stack([a, b], 1) + 0.3 * torch.randn(n, 2, 64), kind)


class Trainer:
    def __init__(self, model, config):
        self.model, self.config = model, config
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=config["wd"])

    def run(self, train, valid):
        for epoch in range(self.config["epochs"]):
            self.model.train()
            for x, y in train:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {self.score(valid):.3f}")

    @torch.no_grad()
    def score(self, loader):
        self.model.eval()
        return sum((self.model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


config = {"lr": 3e-3, "wd": 0.01, "epochs": 5}
Trainer(TCN(), config).run(DataLoader(gestures(900), 30, shuffle=True), DataLoader(gestures(300), 100))
