import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class DnaDataset(Dataset):
    """Sequences over ACGT; positive when a motif (with one wildcard) occurs."""

    def __init__(self, n, seed, length=30):
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randint(4, (n, length), generator=g)
        self.y = torch.randint(2, (n,), generator=g)
        motif = torch.tensor([2, 0, 3, 3, 0, 1])
        for i in self.y.nonzero().flatten():
            for _ in range(2):
                at = int(torch.randint(0, length - 6, (1,), generator=g))
                self.x[i, at : at + 6] = motif
                self.x[i, at + 2] = int(torch.randint(4, (1,), generator=g))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return F.one_hot(self.x[i], 4).float().t(), self.y[i].float()


class MotifFinder(L.LightningModule):
    def __init__(self, filters=24, learning_rate=1e-7):
        super().__init__()
        self.save_hyperparameters()
        self.conv = nn.Conv1d(4, filters, 7, padding=3)
        self.fc = nn.Sequential(nn.Linear(filters, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).amax(-1)).squeeze(-1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.binary_cross_entropy_with_logits(self(x), y)
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_acc", ((self(x) > 0).float() == y).float().mean(), batch_size=len(x))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)


if __name__ == "__main__":
    L.seed_everything(80)
    trainer = L.Trainer(
        max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    )
    train_loader = DataLoader(DnaDataset(1200, 1), batch_size=40, shuffle=True)
    trainer.fit(MotifFinder(), train_loader, DataLoader(DnaDataset(300, 2), batch_size=150))
    print({k: round(float(v), 4) for k, v in trainer.callback_metrics.items()})
