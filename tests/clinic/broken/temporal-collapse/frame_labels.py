"""Frame-wise voice activity and speaker labels with a summary vector per clip, Lightning."""

import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def clips(n, g, frames=36, bands=16):
    """Each clip: silence, speaker A, speaker B in random order and length."""
    voice = torch.randn(3, bands, generator=torch.Generator().manual_seed(3))
    voice[0] = 0
    labels = torch.zeros(n, frames, dtype=torch.long)
    for i in range(n):
        cuts = sorted(torch.randint(4, frames - 4, (3,), generator=g).tolist())
        for a, b in zip([0, *cuts], [*cuts, frames]):
            labels[i, a:b] = int(torch.randint(3, (1,), generator=g))
    x = voice[labels] + 0.8 * torch.randn(n, frames, bands, generator=g)
    return TensorDataset(x, labels)


class DiarizationModel(nn.Module):
    def __init__(self, bands=16, dim=48, classes=3):
        super().__init__()
        self.frontend = nn.Sequential(nn.Linear(bands, dim), nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())
        self.context = nn.GRU(dim, dim // 2, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(dim, classes)

    def forward(self, x):
        feats = self.frontend(x)
        feats = feats.mean(dim=1, keepdim=True).repeat(1, x.size(1), 1)
        out, _ = self.context(feats)
        return self.proj(out)


class LitDiarization(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = DiarizationModel()

    def step(self, batch):
        x, y = batch
        logits = self.model(x).flatten(0, 1)
        return F.cross_entropy(logits, y.flatten()), (logits.argmax(-1) == y.flatten()).float().mean()

    def training_step(self, batch, batch_idx):
        loss, _ = self.step(batch)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        loss, acc = self.step(batch)
        self.log_dict({"val_loss": loss, "val_acc": acc}, batch_size=len(batch[0]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


if __name__ == "__main__":
    L.seed_everything(10)
    g = torch.Generator().manual_seed(10)
    train_loader = DataLoader(clips(900, g), batch_size=30, shuffle=True)
    val_loader = DataLoader(clips(200, g), batch_size=100)
    trainer = L.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    )
    trainer.fit(LitDiarization(), train_loader, val_loader)
    print({k: round(float(v), 4) for k, v in trainer.callback_metrics.items()})
