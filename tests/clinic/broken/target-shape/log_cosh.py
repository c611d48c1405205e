import lightning as L
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor


class Diabetes(Dataset):
    def __init__(self):
        x, y = load_diabetes(return_X_y=True)
        self.x = (x / x.std(0)).astype(np.float32)
        self.y = ((y - y.mean()) / y.std()).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, idx):
        return {"x": self.x[idx], "y": self.y[idx]}


class LogCosh(nn.Module):
    def forward(self, pred, target):
        d = pred - target
        return torch.mean(d + nn.functional.softplus(-2.0 * d) - np.log(2.0))


class Regressor(L.LightningModule):
    def __init__(self, n_in=10, hidden=(64, 32), lr=2e-3, wd=1e-3):
        super().__init__()
        self.save_hyperparameters()
        dims = [n_in, *hidden]
        self.trunk = nn.Sequential(
            *[
                m
                for a, b in zip(dims, dims[1:])
                for m in (nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.1))
            ]
        )
        self.out = nn.Linear(dims[-1], 1)
        self.criterion = LogCosh()

    def forward(self, x):
        return self.out(self.trunk(x))

    def _shared(self, batch, stage):
        pred = self(batch["x"])
        loss = self.criterion(pred, batch["y"])
        mae = (pred.flatten() - batch["y"]).abs().mean()
        self.log(f"{stage}/loss", loss, prog_bar=True)
        self.log(f"{stage}/mae", mae)
        return loss

    def training_step(self, batch, batch_idx):
        return self._shared(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._shared(batch, "val")

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.wd)
        sch = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=5, factor=0.5)
        return [opt], [{"scheduler": sch, "monitor": "val/loss"}]


def main():
    L.seed_everything(42, workers=True)
    full = Diabetes()
    n_val = int(0.2 * len(full))
    tr, va = random_split(
        full, [len(full) - n_val, n_val], generator=torch.Generator().manual_seed(0)
    )
    trainer = L.Trainer(
        max_epochs=40,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        gradient_clip_val=1.0,
        callbacks=[EarlyStopping("val/loss", patience=12)],
    )
    model = Regressor()
    trainer.fit(model, DataLoader(tr, 32, shuffle=True), DataLoader(va, 128))
    print({k: float(v) for k, v in trainer.callback_metrics.items()})


if __name__ == "__main__":
    main()
