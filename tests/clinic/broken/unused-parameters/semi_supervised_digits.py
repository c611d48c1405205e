import lightning as L
import torch
from lightning.pytorch.utilities import CombinedLoader
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(3)


class Digits(L.LightningDataModule):
    def setup(self, stage=None):
        X, y = load_digits(return_X_y=True)
        X = torch.tensor(X, dtype=torch.float32).view(-1, 1, 8, 8) / 16
        y = torch.tensor(y)
        tr, va = train_test_split(range(len(y)), test_size=0.2, stratify=y, random_state=0)
        lab, unl = tr[:600], tr[600:]
        self.lab, self.unl, self.va = TensorDataset(X[lab], y[lab]), TensorDataset(X[unl]), TensorDataset(X[va], y[va])

    def train_dataloader(self):
        return CombinedLoader(
            {"lab": DataLoader(self.lab, 32, shuffle=True), "unl": DataLoader(self.unl, 64, shuffle=True)}, mode="max_size_cycle"
        )

    def val_dataloader(self):
        return DataLoader(self.va, 128)


class SemiSup(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(768, 64)
        )
        self.classify = nn.Linear(64, 10)
        self.decode = nn.Sequential(nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        with torch.no_grad():
            h = self.encoder(x)
        return self.classify(F.relu(h)), self.decode(h)

    def training_step(self, batch, _):
        x, y = batch["lab"]
        (u,) = batch["unl"]
        logits, _ = self(x)
        _, rec = self(u)
        sup, uns = F.cross_entropy(logits, y), F.mse_loss(rec, u.flatten(1))
        self.log_dict({"sup": sup, "uns": uns})
        return sup + uns

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_acc", (self(x)[0].argmax(1) == y).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


trainer = L.Trainer(max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(SemiSup(), Digits())
print({k: float(v) for k, v in trainer.callback_metrics.items()})
