"""Sensor readings of different lengths, summed up by a GRU."""

import argparse

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


class Readings(Dataset):
    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(count):
            length = int(torch.randint(10, 25, (), generator=g))
            level = float(torch.rand((), generator=g)) * 2 - 1
            wave = level + 0.3 * torch.randn(length, 2, generator=g)
            self.items.append({"wave": wave, "level": torch.tensor([level])})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def to_batch(items):
    waves, levels = [], []
    for item in items:
        waves.append(item["wave"])
        levels.append(item["level"])
        return {"wave": pad_sequence(waves, batch_first=True), "level": torch.stack(levels)}


class Level(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, wave):
        return self.out(self.gru(wave)[0].mean(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=24)
    args = parser.parse_args()
    torch.manual_seed(0)
    loader = DataLoader(Readings(1200, 0), args.batch_size, shuffle=True, collate_fn=to_batch)
    held_out = Readings(100, 1)
    model = Level()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        model.train()
        for batch in loader:
            loss = nn.functional.mse_loss(model(batch["wave"]), batch["level"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            errors = [(model(i["wave"][None])[0] - i["level"]).abs() for i in held_out.items]
        print(epoch, round(loss.item(), 5), round(torch.cat(errors).mean().item(), 4))


if __name__ == "__main__":
    main()
