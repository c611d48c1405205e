import logging

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("wine")


class Bottles(Dataset):
    def __init__(self, rows, mean=None, std=None):
        data = load_wine()
        x = torch.tensor(data.data[rows.numpy()], dtype=torch.float32)
        self.mean = x.mean(0) if mean is None else mean
        self.std = x.std(0) if std is None else std
        self.x = (x - self.mean) / self.std
        self.y = torch.tensor(data.target[rows.numpy()])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"chemistry": self.x[i], "cultivar": self.y[i]}


class Session:
    def __init__(self, model, loaders, group=6, rate=0.1):
        self.model = model
        self.train_loader, self.test_loader = loaders
        self.group = group
        self.optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss()

    def run_epoch(self):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for number, batch in enumerate(self.train_loader, start=1):
            loss = self.criterion(self.model(batch["chemistry"]), batch["cultivar"])
            total += loss.item()
            (loss / self.group).backward()
            if number % self.group == 0:
                nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=True)
        return total / len(self.train_loader)

    @torch.no_grad()
    def accuracy(self):
        self.model.eval()
        right = [(self.model(b["chemistry"]).argmax(-1) == b["cultivar"]) for b in self.test_loader]
        return torch.cat(right).float().mean().item()


def main():
    torch.manual_seed(11)
    order = torch.randperm(178)
    train = Bottles(order[:134])
    test = Bottles(order[134:], train.mean, train.std)
    model = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))
    session = Session(model, (DataLoader(train, batch_size=8, shuffle=True), DataLoader(test, batch_size=44)))
    for epoch in range(25):
        log.info("epoch %d  loss %.4f  accuracy %.3f", epoch, session.run_epoch(), session.accuracy())


if __name__ == "__main__":
    main()
