import lightning as L
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Gate(nn.Module):
    """Weighs the groups of features before they are summed."""

    def __init__(self, width):
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, groups):
        return torch.softmax(self.score(groups), dim=-1)


class Tumours(L.LightningModule):
    def __init__(self, width=16):
        super().__init__()
        self.embed = nn.Linear(10, width)
        self.gate = Gate(width)
        self.query = nn.Parameter(torch.randn(3, width) * 0.1)
        self.out = nn.Linear(3 * width, 2)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x):
        groups = torch.tanh(self.embed(x.view(-1, 3, 10)))
        weights = self.gate(groups)
        return self.out((weights * self.query).flatten(1))

    def training_step(self, batch, _):
        x, y = batch
        loss = self.loss(self(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_acc", (self(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=5e-3)


L.seed_everything(3)
X, y = load_breast_cancer(return_X_y=True)
xa, xb, ya, yb = train_test_split(X, y, test_size=0.2, stratify=y, random_state=3)
scaler = StandardScaler().fit(xa)
sets = [
    TensorDataset(torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b))
    for a, b in ((xa, ya), (xb, yb))
]
model = Tumours()
trainer = L.Trainer(
    max_epochs=6,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(model, DataLoader(sets[0], 32, shuffle=True), DataLoader(sets[1], 114))
print(trainer.callback_metrics)
