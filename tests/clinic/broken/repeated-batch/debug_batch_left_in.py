import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, loader, lr=2e-3):
        self.model, self.loader = model, loader
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.first = next(iter(loader))  # for debugging

    def epoch(self):
        for _ in range(len(self.loader)):
            x, y = self.first
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
trainer = Trainer(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)), DataLoader(TensorDataset(x[:1500], y[:1500]), 50, shuffle=True))
for epoch in range(3):
    print(epoch, trainer.epoch(), (trainer.model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
