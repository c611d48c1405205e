"""Kinds of plants from leaf measurements, labelled by a crowd."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Leaves(Dataset):
    def __init__(self, count, seed):
        made = torch.Generator().manual_seed(seed)
        self.kind = torch.randint(0, 4, (count,), generator=made)
        centre = 3.0 * torch.eye(4, 8)
        self.leaf = centre[self.kind] + 0.5 * torch.randn(count, 8, generator=made)
        hasty = torch.rand(count, generator=made) < 0.12
        other = torch.randint(1, 4, (count,), generator=made)
        self.kind = torch.where(hasty, (self.kind + other) % 4, self.kind)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        return self.leaf[i], self.kind[i]


def run(epochs=10):
    torch.manual_seed(0)
    train = DataLoader(Leaves(1000, 1), batch_size=40, shuffle=True)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(epochs):
        for leaf, kind in train:
            loss = nn.functional.cross_entropy(net(leaf), kind)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    run()
