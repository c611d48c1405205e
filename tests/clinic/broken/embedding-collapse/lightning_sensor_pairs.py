import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

L.seed_everything(11, verbose=False)
rng = np.random.default_rng(11)
KINDS, LENGTH = 6, 96


def recording(kind):
    t = np.arange(LENGTH) / LENGTH
    wave = np.sin(2 * np.pi * (2 + kind) * t + rng.uniform(0, 6.3)) + 0.5 * np.sign(np.sin(2 * np.pi * (9 - kind) * t))
    return wave + 0.2 * rng.standard_normal(LENGTH)


class MachinePairs(Dataset):
    """Two windows of the same machine."""

    def __init__(self, n):
        self.kinds = rng.integers(0, KINDS, n)
        self.first = torch.tensor(np.stack([recording(k) for k in self.kinds]), dtype=torch.float32)
        self.second = torch.tensor(np.stack([recording(k) for k in self.kinds]), dtype=torch.float32)

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        return {"left": self.first[i, None], "right": self.second[i, None]}


class PairEncoder(L.LightningModule):
    def __init__(self, width=32, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.encoder = nn.Sequential(
            nn.Conv1d(1, width, 9, stride=2, padding=4), nn.GELU(),
            nn.Conv1d(width, width, 9, stride=2, padding=4), nn.GELU(),
            nn.Flatten(), nn.Linear(width * LENGTH // 4, 128), nn.GELU(), nn.Linear(128, 24),
        )
        self.criterion = nn.CosineEmbeddingLoss()

    def forward(self, x):
        return self.encoder(x)

    def training_step(self, batch, _):
        left, right = self(batch["left"]), self(batch["right"])
        loss = self.criterion(left, right, torch.ones(len(left)))
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


model = PairEncoder()
loader = DataLoader(MachinePairs(1500), batch_size=50, shuffle=True)
trainer = L.Trainer(max_epochs=8, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(model, loader)

model.eval()
test = MachinePairs(300)
with torch.no_grad():
    left = nn.functional.normalize(model(test.first[:, None]))
    right = nn.functional.normalize(model(test.second[:, None]))
pairs = left @ right.T
same = torch.tensor(test.kinds)[:, None] == torch.tensor(test.kinds)[None]
print(f"same machine {pairs[same].mean():.3f}, other machine {pairs[~same].mean():.3f}")
