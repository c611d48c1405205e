"""One object per picture: its box by a smooth L1 loss, its class (numbered from 1 in the file) by cross-entropy."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

NAMES = {1: "plate", 2: "cup", 3: "spoon"}


class Tables(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
        self.rows = []
        for _ in range(n):
            k = int(torch.randint(1, 4, (1,), generator=g))
            (cy, cx), r = (8 + 12 * torch.rand(2, generator=g)).tolist(), 3 + 3 * float(torch.rand(1, generator=g))
            dy, dx = (yy - cy).abs(), (xx - cx).abs()
            drawn = {1: (dy**2 + dx**2).sqrt() < r, 2: torch.maximum(dy, dx) < r, 3: (dx < r) & (dy < r / 4)}[k]
            picture = drawn.float() - 0.2 + 0.15 * torch.randn(28, 28, generator=g)
            box = torch.tensor([cy - r, cx - r, cy + r, cx + r]) / 28
            self.rows.append({"boxes": box, "picture": picture[None], "category_id": k})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class Detector(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        self.box, self.name = nn.Linear(32 * 49, 4), nn.Linear(32 * 49, len(NAMES))

    def losses(self, batch):
        h = self.trunk(batch["picture"])
        where = nn.functional.smooth_l1_loss(self.box(h).sigmoid(), batch["boxes"])
        scores = self.name(h)
        return 5 * where + nn.functional.cross_entropy(scores, batch["category_id"] - 1), scores

    def training_step(self, batch, _):
        return self.losses(batch)[0]

    def validation_step(self, batch, _):
        loss, scores = self.losses(batch)
        self.log_dict({"val_loss": loss, "val_acc": (scores.argmax(1) == batch["category_id"] - 1).float().mean()})

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    L.seed_everything(4, verbose=False)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = L.Trainer(max_epochs=6, **options)
    trainer.fit(Detector(), DataLoader(Tables(480, 0), 24, shuffle=True), DataLoader(Tables(96, 1), 48))
    print({k: round(float(v), 3) for k, v in trainer.callback_metrics.items()})
