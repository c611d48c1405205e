import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class SpiralDataset(Dataset):
    def __init__(self, n=1500, turns=1.0, noise=0.12):
        t = torch.rand(n) ** 0.5
        self.label = torch.randint(0, 3, (n,))
        angle = 2 * torch.pi * (turns * t + self.label / 3)
        self.points = torch.stack([t * angle.cos(), t * angle.sin()], 1) * 2 + noise * torch.randn(n, 2)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.points[i], self.label[i]


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=5e-3, epochs=15):
        self.model, self.train_loader, self.val_loader, self.epochs = model, train_loader, val_loader, epochs
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def _run_batch(self, points, label):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(points), label)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def _validate(self):
        self.model.eval()
        hits = n = 0
        with torch.no_grad():
            for points, label in self.val_loader:
                hits += (self.model(points).argmax(1) == label).sum().item()
                n += len(label)
        return hits / n

    def fit(self):
        for epoch in range(self.epochs):
            self.model.train()
            losses = [self._run_batch(p, l) for p, l in self.train_loader]
            if epoch % 3 == 2:
                print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f} val acc {self._validate():.4f}")


def prepare_dataloader(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)


def main():
    torch.manual_seed(27)
    dataset = SpiralDataset()
    train_set, val_set = random_split(dataset, [1200, 300])
    model = nn.Sequential(nn.Linear(2, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 3))
    trainer = Trainer(model, prepare_dataloader(dataset, 50, True), prepare_dataloader(val_set, 150, False))
    trainer.fit()


if __name__ == "__main__":
    main()
