"""Electricity load forecasting, hourly frame, window dataset, GRU."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 4
np.random.seed(SEED)
torch.manual_seed(SEED)


def load_frame(days=90):
    ts = pd.date_range("2023-01-01", periods=days * 24, freq="h")
    h, dow = ts.hour.to_numpy(), ts.dayofweek.to_numpy()
    base = 50 + 12 * np.sin((h - 7) / 24 * 2 * np.pi) + 6 * np.sin(h / 12 * 2 * np.pi) - 8 * (dow >= 5)
    walk = np.cumsum(np.random.randn(len(ts)) * 0.4)
    temp = 8 + 6 * np.sin(np.arange(len(ts)) / 24 / 365 * 2 * np.pi) + np.random.randn(len(ts))
    return pd.DataFrame({"timestamp": ts, "load": base + walk - 0.5 * temp + np.random.randn(len(ts)), "temp": temp})


class Windows(Dataset):
    """Rows of (past 36 hours) -> next hour."""

    def __init__(self, frame, starts, stats, past=36):
        self.frame, self.starts, self.past = frame.reset_index(drop=True), np.asarray(starts), past
        self.mean, self.std = stats
        self.values = ((self.frame[["load", "temp"]] - self.mean) / self.std).to_numpy("float32")

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        s = self.starts[i]
        x = self.values[s:s + self.past]
        return {"x": torch.from_numpy(x), "y": torch.tensor(self.values[s + self.past, 0]),
                "timestamp": int(self.frame.timestamp[s + self.past].timestamp())}


class Forecaster(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.gru = nn.GRU(2, d, batch_first=True)
        self.head = nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out[:, -1]).squeeze(-1)


def main():
    df = load_frame()
    past = 36
    starts = np.arange(len(df) - past - 1)
    cut = int(len(starts) * 0.8)
    train_s, val_s = starts[:cut], starts[cut + past:]
    part = df.iloc[:cut][["load", "temp"]]
    stats = (part.mean(), part.std())
    train = DataLoader(Windows(df, train_s, stats), batch_size=64, shuffle=True)
    val = DataLoader(Windows(df, val_s, stats), batch_size=128)
    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=5)
    for epoch in range(5):
        model.train()
        running = 0.0
        for batch in train:
            opt.zero_grad()
            loss = nn.functional.smooth_l1_loss(model(batch["x"]), batch["y"])
            loss.backward()
            opt.step()
            running += loss.item() * len(batch["y"])
        sched.step()
        model.eval()
        with torch.no_grad():
            err = torch.cat([(model(b["x"]) - b["y"]).abs() for b in val])
        print(f"{epoch}: train {running / len(train.dataset):.4f} val mae {err.mean():.4f}")


if __name__ == "__main__":
    main()
