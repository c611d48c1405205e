"""Predict late payments with a deep fully connected network."""

import lightning as L
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class LatePayments(L.LightningModule):
    def __init__(self, n_features, width=40, depth=11):
        super().__init__()
        blocks = []
        for i in range(depth):
            linear = nn.Linear(n_features if i == 0 else width, width)
            nn.init.uniform_(linear.weight, -0.05, 0.05)
            blocks += [linear, nn.Tanh()]
        self.body = nn.Sequential(*blocks)
        self.score = nn.Linear(width, 1)
        self.loss = nn.BCEWithLogitsLoss()

    def forward(self, x):
        return self.score(self.body(x)).squeeze(1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = self.loss(self(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        scores = self(x)
        self.log("val_accuracy", ((scores > 0) == (y > 0.5)).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def loaders(seed=3):
    x, y = make_classification(1600, 18, n_informative=8, class_sep=1.4, random_state=seed)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=300, random_state=seed)
    sets = [TensorDataset(torch.tensor(a).float(), torch.tensor(b).float()) for a, b in [(x_train, y_train), (x_val, y_val)]]
    return DataLoader(sets[0], batch_size=50, shuffle=True), DataLoader(sets[1], batch_size=100)


if __name__ == "__main__":
    L.seed_everything(3)
    train_loader, val_loader = loaders()
    trainer = L.Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    trainer.fit(LatePayments(18), train_loader, val_loader)
    print({k: round(v.item(), 4) for k, v in trainer.callback_metrics.items()})
