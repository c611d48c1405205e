import lightning as L
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


class LitAutoEncoder(L.LightningModule):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def training_step(self, batch, batch_idx):
        loss = F.mse_loss(self(batch), batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", F.mse_loss(self(batch), batch), batch_size=len(batch))

    def configure_optimizers(self):
        return torch.optim.Adam(self.encoder.parameters(), lr=2e-3)


def main():
    L.seed_everything(50)
    pixels = torch.tensor(load_digits().data, dtype=torch.float32)
    pixels = pixels[torch.randperm(len(pixels))]
    pixels = (pixels - pixels[:1400].mean()) / pixels[:1400].std()
    train_loader = DataLoader(pixels[:1400], batch_size=50, shuffle=True)
    val_loader = DataLoader(pixels[1400:], batch_size=200)
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    decoder = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64))
    trainer = L.Trainer(
        max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    )
    trainer.fit(LitAutoEncoder(encoder, decoder), train_loader, val_loader)
    baseline = F.mse_loss(pixels[:1400].mean(0).expand(397, -1), pixels[1400:]).item()
    print(f"val mse {float(trainer.callback_metrics['val_loss']):.4f}, mean image {baseline:.4f}")


if __name__ == "__main__":
    main()
