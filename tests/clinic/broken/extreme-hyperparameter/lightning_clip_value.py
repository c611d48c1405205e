"""Wine quality classes with Lightning."""

import lightning as L
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class WineClassifier(L.LightningModule):
    def __init__(self, width=64, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(nn.Linear(13, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_acc", (self(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9)


def main():
    L.seed_everything(3)
    features, labels = load_wine(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, valid = order[:140], order[140:]
    scaler = StandardScaler().fit(features[train])
    x = torch.tensor(scaler.transform(features), dtype=torch.float32)
    y = torch.tensor(labels)
    trainer = L.Trainer(
        max_epochs=15,
        accelerator="cpu",
        gradient_clip_val=5e-4,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        WineClassifier(),
        DataLoader(TensorDataset(x[train], y[train]), batch_size=20, shuffle=True),
        DataLoader(TensorDataset(x[valid], y[valid]), batch_size=38),
    )
    print(trainer.callback_metrics)


if __name__ == "__main__":
    main()
