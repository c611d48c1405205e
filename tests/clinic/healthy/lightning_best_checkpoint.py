import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class WineModel(L.LightningModule):
    def __init__(self, features=13, hidden=20, classes=3):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        scores = self(x)
        self.log("val_loss", F.cross_entropy(scores, y))
        self.log("val_acc", (scores.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=3e-3)


def loaders(batch_size=16):
    x, y = load_wine(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(
        x, y, test_size=0.3, stratify=y, random_state=0
    )
    scaler = StandardScaler().fit(x_train)
    sets = [
        TensorDataset(torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b))
        for a, b in ((x_train, y_train), (x_val, y_val))
    ]
    return DataLoader(sets[0], batch_size=batch_size, shuffle=True), DataLoader(
        sets[1], batch_size=64
    )


if __name__ == "__main__":
    L.seed_everything(8)
    train_loader, val_loader = loaders()
    checkpoint = ModelCheckpoint(dirpath="checkpoints", monitor="val_acc", mode="max", save_top_k=1)
    stop = EarlyStopping("val_loss", patience=5)
    trainer = L.Trainer(max_epochs=15, callbacks=[checkpoint, stop], logger=False, enable_progress_bar=False,
                        enable_model_summary=False, log_every_n_steps=1)  # fmt: skip
    trainer.fit(WineModel(), train_loader, val_loader)
    print(checkpoint.best_model_path, float(checkpoint.best_model_score))
