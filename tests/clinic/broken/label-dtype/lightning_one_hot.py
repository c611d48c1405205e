import lightning as L
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class LitMLP(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 10))
        self.criterion = nn.CrossEntropyLoss()

    def training_step(self, batch, batch_idx):
        pixels, target = batch
        return self.criterion(self.net(pixels), target)

    def validation_step(self, batch, batch_idx):
        pixels, target = batch
        hits = self.net(pixels).argmax(1) == target.argmax(1)
        self.log("val_acc", hits.float().mean(), batch_size=len(pixels))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def loaders():
    pixels, digit = load_digits(return_X_y=True)
    perm = torch.randperm(len(digit))
    pixels = torch.tensor(pixels / 16, dtype=torch.float32)[perm]
    target = F.one_hot(torch.tensor(digit), num_classes=10)[perm]
    train = DataLoader(TensorDataset(pixels[:1400], target[:1400]), batch_size=50, shuffle=True)
    return train, DataLoader(TensorDataset(pixels[1400:], target[1400:]), batch_size=200)


if __name__ == "__main__":
    L.seed_everything(3)
    trainer = L.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(LitMLP(), *loaders())
    print(trainer.callback_metrics)
