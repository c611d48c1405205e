# Next-hour load forecast. Started with torchrun on several machines, alone here.
import os

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

torch.manual_seed(0)
rng = np.random.default_rng(0)
hours = np.arange(3000)
load = np.sin(hours / 24 * 2 * np.pi) + 0.3 * np.sin(hours / 168 * 2 * np.pi) + rng.normal(0, 0.1, 3000)
load = torch.tensor(load, dtype=torch.float32)


class Windows(Dataset):
    def __init__(self, series, width=36):
        self.series, self.width = series, width

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, start):
        end = start + self.width
        return {"past": self.series[start:end, None], "next": self.series[end]}


train, valid = Windows(load[:2400]), Windows(load[2400:])
sampler = DistributedSampler(
    train, num_replicas=int(os.environ.get("WORLD_SIZE", 1)), rank=int(os.environ.get("RANK", 0)), seed=7
)
train_loader = DataLoader(train, batch_size=64, sampler=sampler)
valid_loader = DataLoader(valid, batch_size=128)

rnn = torch.nn.GRU(1, 32, batch_first=True)
head = torch.nn.Linear(32, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=3e-3)


def forecast(past):
    return head(rnn(past)[0][:, -1]).squeeze(-1)


for epoch in range(5):
    for batch in train_loader:
        loss = torch.nn.functional.smooth_l1_loss(forecast(batch["past"]), batch["next"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = sum(((forecast(b["past"]) - b["next"]) ** 2).sum().item() for b in valid_loader)
    print(epoch, round(loss.item(), 5), round(error / len(valid), 5))
