import lightning as L
import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class WineData(L.LightningDataModule):
    def __init__(self, batch_size=16):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        x, y = load_wine(return_X_y=True)
        xa, xb, ya, yb = train_test_split(x, y, test_size=0.3, stratify=y, random_state=2)
        s = StandardScaler().fit(xa)
        to = lambda a, b: TensorDataset(
            torch.tensor(s.transform(a), dtype=torch.float32), torch.tensor(b)
        )
        self.train, self.val = to(xa, ya), to(xb, yb)

    def train_dataloader(self):
        return DataLoader(self.train, self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, 64)


class Classifier(L.LightningModule):
    def __init__(self, lr=1e-2, width=32, warmup=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(13, width), nn.SiLU(), nn.Dropout(0.1), nn.Linear(width, 3)
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        out = self(x)
        self.log("val_loss", F.cross_entropy(out, y))
        self.log("val_acc", (out.argmax(1) == y).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=1e-4)
        total = self.trainer.estimated_stepping_batches
        warm = int(total * self.hparams.warmup)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda s: (s + 1) / warm if s < warm else max(0.0, (total - s) / (total - warm)),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"},
        }


def main():
    L.seed_everything(1)
    trainer = L.Trainer(
        max_epochs=40,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        log_every_n_steps=5,
    )
    model = Classifier()
    data = WineData()
    trainer.fit(model, data)
    print(trainer.callback_metrics)


if __name__ == "__main__":
    main()
