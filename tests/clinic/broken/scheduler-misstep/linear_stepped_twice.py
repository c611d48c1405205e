import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from transformers import get_linear_schedule_with_warmup


def make_series(n=1600, steps=48, seed=5):
    """Noisy waves of four kinds; the kind is the label."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    t = np.linspace(0, 1, steps)[None]
    freq = rng.uniform(2, 4, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    angle = 2 * np.pi * freq * t + phase
    waves = np.stack([np.sin(angle), np.sign(np.sin(angle)), 2 * (angle / (2 * np.pi) % 1) - 1, np.sin(angle) * (1 - t)])
    x = waves[kind, np.arange(n)] + 0.6 * rng.normal(size=(n, steps))
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(kind)


class ConvNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, width, 7, padding=3), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2, stride=2), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2, stride=2), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        return self.head(self.body(x).mean(-1))


def training_function(config):
    accelerator = Accelerator(cpu=True)
    set_seed(config["seed"])
    dataset = TensorDataset(*make_series())
    train_ds, eval_ds = random_split(dataset, [1280, 320])
    train_dl = DataLoader(train_ds, shuffle=True, batch_size=config["batch_size"])
    eval_dl = DataLoader(eval_ds, batch_size=160)

    model = ConvNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    lr_scheduler = get_linear_schedule_with_warmup(
        optimizer, num_warmup_steps=20, num_training_steps=len(train_dl) * config["num_epochs"]
    )
    model, optimizer, train_dl, eval_dl, lr_scheduler = accelerator.prepare(
        model, optimizer, train_dl, eval_dl, lr_scheduler
    )
    history = []
    loss_fn = nn.CrossEntropyLoss()

    for epoch in range(config["num_epochs"]):
        model.train()
        for step, (series, kind) in enumerate(train_dl):
            loss = loss_fn(model(series), kind)
            accelerator.backward(loss)
            optimizer.step()
            lr_scheduler.step()
            history.append(lr_scheduler.get_last_lr()[0])
            lr_scheduler.step()
            optimizer.zero_grad()

        model.eval()
        right = 0
        for series, kind in eval_dl:
            with torch.no_grad():
                predictions = model(series).argmax(-1)
            predictions, references = accelerator.gather_for_metrics((predictions, kind))
            right += (predictions == references).sum().item()
        accelerator.print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {right / len(eval_ds):.4f}")


def main():
    training_function({"lr": 5e-3, "num_epochs": 6, "seed": 42, "batch_size": 32})


if __name__ == "__main__":
    main()
