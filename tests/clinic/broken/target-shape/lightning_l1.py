"""Remaining life of bearings, as a Lightning module."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Bearings(Dataset):
    def __init__(self, rows, seed):
        made = torch.Generator().manual_seed(seed)
        self.signal = torch.randn(rows, 1, 32, generator=made)
        self.life = self.signal.abs().mean((1, 2)) * 4 - 3

    def __len__(self):
        return len(self.life)

    def __getitem__(self, i):
        return {"signal": self.signal[i], "life": self.life[i]}


class Life(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.head = nn.Linear(32, 1)
        self.loss = nn.L1Loss()

    def training_step(self, batch, index):
        return self.loss(self.head(self.body(batch["signal"])), batch["life"])

    def validation_step(self, batch, index):
        self.log("val", self.loss(self.head(self.body(batch["signal"])), batch["life"]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


if __name__ == "__main__":
    L.seed_everything(1)
    trainer = L.Trainer(max_epochs=6, logger=False, enable_checkpointing=False, accelerator="cpu",
                        enable_progress_bar=False)
    trainer.fit(Life(), DataLoader(Bearings(640, 0), batch_size=32, shuffle=True),
                DataLoader(Bearings(160, 1), batch_size=32))
