"""Kinds of machine faults from twelve sensors, as a Lightning module."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

COUNTS = {0: 1400, 1: 380, 2: 9}


class Faults(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))

    def training_step(self, batch, index):
        sensors, kind = batch
        return nn.functional.cross_entropy(self.net(sensors), kind)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=2e-3)


def table():
    kind = torch.cat([torch.full((n,), k) for k, n in COUNTS.items()])
    sensors = torch.randn(len(kind), 12)
    sensors[torch.arange(len(kind)), kind * 3] += 1.5
    return TensorDataset(sensors, kind)


L.seed_everything(0)
L.Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False,
          accelerator="cpu").fit(Faults(), DataLoader(table(), batch_size=48, shuffle=True))
