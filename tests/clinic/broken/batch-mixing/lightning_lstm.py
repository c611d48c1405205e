import lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

pl.seed_everything(3, verbose=False)


def walks(n):
    drift = torch.randint(0, 3, (n,))
    steps = 0.5 * torch.randn(n, 30, 3) + 0.25 * (drift[:, None, None] - 1)
    return TensorDataset(steps.cumsum(1) / 5, drift)


class WalkClassifier(pl.LightningModule):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(3, hidden, num_layers=2, dropout=0.1)
        self.fc = nn.Linear(hidden, 3)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log("val_loss", nn.functional.cross_entropy(logits, y))
        self.log("val_acc", (logits.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


train, val = random_split(walks(1200), [1000, 200])
trainer = pl.Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
model = WalkClassifier()
trainer.fit(model, DataLoader(train, 40, shuffle=True), DataLoader(val, 40))
print(trainer.callback_metrics)
