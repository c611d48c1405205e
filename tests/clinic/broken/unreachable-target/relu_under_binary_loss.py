"""Which of six faults a machine shows: several labels per record, Lightning."""

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def block(width_in, width_out):
    return nn.Sequential(nn.Linear(width_in, width_out), nn.LayerNorm(width_out), nn.ReLU())


class FaultNet(L.LightningModule):
    def __init__(self, sensors=20, faults=6):
        super().__init__()
        self.save_hyperparameters()
        self.body = block(sensors, 64)
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, faults), nn.ReLU())
        self.loss = nn.BCEWithLogitsLoss()

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = self.loss(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        out = self(x)
        self.log("val_loss", self.loss(out, y))
        self.log("val_acc", ((out > 0) == (y > 0.5)).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


def records(n, seed):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(0).normal(0, 1, (20, 6))
    x = rng.normal(0, 1, (n, 20))
    y = x @ mix + rng.normal(0, 0.7, (n, 6)) > 2.0
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


if __name__ == "__main__":
    L.seed_everything(11, verbose=False)
    trainer = L.Trainer(
        max_epochs=8,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    train = DataLoader(records(1500, 1), batch_size=50, shuffle=True)
    trainer.fit(FaultNet(), train, DataLoader(records(300, 2), batch_size=100))
    print({k: round(float(v), 4) for k, v in trainer.callback_metrics.items()})
