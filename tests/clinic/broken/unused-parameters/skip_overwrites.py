import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(29, verbose=False)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dense = nn.Linear(width, width)

    def forward(self, x):
        return x + torch.nn.functional.gelu(self.dense(self.norm(x)))


class Forecaster(L.LightningModule):
    def __init__(self, lags=24, width=48):
        super().__init__()
        self.season = Block(width)
        self.trend = Block(width)
        self.enter = nn.Linear(lags, width)
        self.leave = nn.Linear(width, 1)

    def forward(self, x):
        x = self.enter(x)
        season = self.season(x)
        both = season + self.trend(x)
        both = season
        return self.leave(both).squeeze(-1)

    def step(self, batch):
        x, y = batch
        return nn.functional.smooth_l1_loss(self(x), y)

    def training_step(self, batch, _):
        loss = self.step(batch)
        self.log("train", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("valid", self.step(batch))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


t = torch.arange(3000.0)
series = torch.sin(t / 7) + 0.4 * torch.sin(t / 2.3) + 0.1 * torch.randn(3000)
windows = series.unfold(0, 25, 1)
train, valid = TensorDataset(windows[:2200, :24], windows[:2200, 24]), TensorDataset(windows[2300:, :24], windows[2300:, 24])
model = Forecaster()
trainer = L.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(model, DataLoader(train, 64, shuffle=True), DataLoader(valid, 128))
print(trainer.callback_metrics)
