import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(101, verbose=False)
STATIONS = ["north", "south", "west"]


class Expert(nn.Module):
    def __init__(self, lags, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(lags, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


class StationModel(L.LightningModule):
    def __init__(self, lags=12, width=32):
        super().__init__()
        self.scale = nn.Linear(lags, lags)
        self.experts = {name: Expert(lags, width) for name in STATIONS}

    def forward(self, x, station):
        x = self.scale(x)
        answers = torch.stack([self.experts[name](x) for name in STATIONS], dim=1)
        return answers.gather(1, station[:, None]).squeeze(1)

    def training_step(self, batch, _):
        x, station, y = batch
        loss = nn.functional.mse_loss(self(x, station), y)
        self.log("train", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


station = torch.randint(0, 3, (3000,))
phase = 6.28 * torch.rand(3000, 1)
speed = torch.tensor([0.3, 0.6, 1.1])[station, None]
wave = torch.sin(speed * torch.arange(13.0) + phase) + 0.05 * torch.randn(3000, 13)
loader = DataLoader(TensorDataset(wave[:, :12], station, wave[:, 12]), batch_size=60, shuffle=True)
model = StationModel()
trainer = L.Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(model, loader)
print(float(trainer.callback_metrics["train"]))
