import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def waves(count, seed):
    draw = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 3, (count,), generator=draw)
    time = torch.linspace(0, 6.28, 64)
    phase = torch.rand(count, 1, generator=draw) * 6.28
    clean = torch.sin(time * (kind + 1).unsqueeze(1) + phase)
    noise = torch.randn(count, 64, generator=draw) * 0.3
    return TensorDataset((clean + noise).unsqueeze(1), kind)


class Waves(L.LightningModule):
    def __init__(self, width=24):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(
            nn.Conv1d(1, width, 7, padding=3), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width, 5, padding=2), nn.BatchNorm1d(width), nn.ReLU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten(),
        )
        self.head = nn.Linear(4 * width, 3)

    def forward(self, signal):
        return self.head(self.body(signal))

    def training_step(self, batch, _):
        signal, kind = batch
        loss = nn.functional.cross_entropy(self(signal), kind)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, _):
        signal, kind = batch
        self.log("accuracy", (self(signal).argmax(1) == kind).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        head = {"params": self.head.parameters(), "weight_decay": 0.0}
        body = {"params": self.body.parameters(), "weight_decay": 0.2}
        return torch.optim.AdamW([body, head], lr=3e-3)


if __name__ == "__main__":
    L.seed_everything(3)
    trainer = L.Trainer(max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit(
        Waves(),
        DataLoader(waves(600, 1), batch_size=50, shuffle=True),
        DataLoader(waves(200, 2), batch_size=100),
    )
    print(trainer.callback_metrics)
