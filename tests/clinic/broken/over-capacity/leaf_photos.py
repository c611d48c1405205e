"""A handful of leaf photos per species, one convolutional network."""
import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

L.seed_everything(4, verbose=False)
SPECIES = 3


def photos(per_species):
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="ij")
    images, labels = [], []
    for species in range(SPECIES):
        for _ in range(per_species):
            angle, width = torch.rand(1) * 3.14, 0.32 + 0.05 * species + 0.08 * torch.randn(1)
            a = xx * angle.cos() + yy * angle.sin()
            b = -xx * angle.sin() + yy * angle.cos()
            leaf = ((a / 0.8) ** 2 + (b / width) ** 2 < 1).float()
            images.append((leaf - 0.3) * 2 + 0.9 * torch.randn(24, 24))
            labels.append(species)
    return TensorDataset(torch.stack(images)[:, None], torch.tensor(labels))


class LeafNet(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()
        )
        self.classifier = nn.Sequential(nn.Linear(64 * 144, 256), nn.ReLU(), nn.Linear(256, SPECIES))
        self.loss = nn.CrossEntropyLoss()
        self.accuracy = MulticlassAccuracy(SPECIES)

    def forward(self, x):
        return self.classifier(self.features(x))

    def training_step(self, batch, _):
        loss = self.loss(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        logits = self(batch[0])
        self.log("val_loss", self.loss(logits, batch[1]))
        self.accuracy.update(logits, batch[1])

    def on_validation_epoch_end(self):
        print(f"epoch {self.current_epoch} accuracy {self.accuracy.compute():.3f}")
        self.accuracy.reset()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


train = DataLoader(photos(16), batch_size=12, shuffle=True)
valid = DataLoader(photos(40), batch_size=60)
trainer = L.Trainer(max_epochs=20, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
model = LeafNet()
trainer.fit(model, train, valid)
print({k: round(float(v), 3) for k, v in trainer.callback_metrics.items()})
