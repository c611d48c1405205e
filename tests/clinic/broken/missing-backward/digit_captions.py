"""Image and label towers with an optimizer each, in Lightning with manual optimisation."""

import lightning as L
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

L.seed_everything(17)


class ImageTower(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(384, width)
        )

    def forward(self, x):
        return F.normalize(self.layers(x), dim=1)


class WordTower(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.table = nn.Embedding(10, 32)
        self.out = nn.Linear(32, width)

    def forward(self, y):
        return F.normalize(self.out(torch.tanh(self.table(y))), dim=1)


class Pair(L.LightningModule):
    def __init__(self, width=24):
        super().__init__()
        self.automatic_optimization = False
        self.image, self.word = ImageTower(width), WordTower(width)

    def configure_optimizers(self):
        return torch.optim.Adam(self.image.parameters(), 1e-3), torch.optim.Adam(self.word.parameters(), 1e-3)

    def training_step(self, batch, _):
        x, y = batch
        image_opt, word_opt = self.optimizers()
        pictures = self.image(x).detach()
        words = self.word(torch.arange(10, device=self.device))
        loss = F.cross_entropy(pictures @ words.t() / 0.1, y)
        image_opt.zero_grad()
        word_opt.zero_grad()
        self.manual_backward(loss)
        image_opt.step()
        word_opt.step()
        self.log("loss", loss)

    def validation_step(self, batch, _):
        x, y = batch
        scores = self.image(x) @ self.word(torch.arange(10, device=self.device)).t()
        self.log("accuracy", (scores.argmax(1) == y).float().mean())


raw = load_digits()
digits = TensorDataset(torch.tensor(raw.images, dtype=torch.float32)[:, None] / 16, torch.tensor(raw.target))
train, val = random_split(digits, [1400, len(digits) - 1400])
trainer = L.Trainer(
    max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
)
trainer.fit(Pair(), DataLoader(train, 40, shuffle=True), DataLoader(val, 200))
print({name: round(float(value), 3) for name, value in trainer.callback_metrics.items()})
