"""Small pictures of bars, a convolutional network and Lightning."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Bars(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.9),
            nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(), nn.Dropout2d(0.9),
            nn.Flatten(), nn.Linear(24 * 36, 32), nn.ReLU(), nn.Dropout(0.9), nn.Linear(32, 2),
        )

    def training_step(self, batch, _):
        image, label = batch
        loss = nn.functional.cross_entropy(self.net(image), label)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def pictures(count):
    label = torch.randint(0, 2, (count,))
    image = torch.randn(count, 1, 12, 12) * 0.5
    for i in range(count):
        at = int(torch.randint(0, 12, ()))
        if label[i]:
            image[i, 0, at, :] += 1.5
        else:
            image[i, 0, :, at] += 1.5
    return TensorDataset(image, label)


L.seed_everything(5)
trainer = L.Trainer(max_epochs=5, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                    accelerator="cpu")
trainer.fit(Bars(), DataLoader(pictures(512), batch_size=32, shuffle=True))
