import numpy as np
import torch
from torch import nn


def load_series(days=420, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(days * 4)
    load = 10 + 2 * np.sin(2 * np.pi * t / 4) + 1.5 * np.sin(2 * np.pi * t / 28)
    load += 0.8 * np.cumsum(rng.normal(0, 0.05, len(t))) + rng.normal(0, 0.2, len(t))
    return load.astype(np.float32)


def windows(series, lookback=28):
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], lookback)
    return x[:, :, None].copy(), series[lookback:, None].copy()


class GRUForecaster(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.gru = nn.GRU(1, hidden, num_layers=2, dropout=0.15, batch_first=True)
        self.drop = nn.Dropout(0.15)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.out(self.drop(h[:, -1]))


class Forecaster:
    def __init__(self, epochs=8, batch_size=64, rate=3e-3):
        self.epochs, self.batch_size = epochs, batch_size
        self.net = GRUForecaster()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=rate)
        self.loss = nn.SmoothL1Loss()

    def fit(self, x, y, x_late, y_late, spread):
        rng = np.random.default_rng(1)
        for epoch in range(self.epochs):
            self.net.train()
            running = 0.0
            order = rng.permutation(len(x))
            for chunk in np.array_split(order, len(order) // self.batch_size):
                prediction = self.net(torch.from_numpy(x[chunk]))
                loss = self.loss(prediction, torch.from_numpy(y[chunk]))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
                self.optimizer.step()
                running += loss.item() * len(chunk)
            error = np.abs(self.predict(x_late) - y_late).mean() * spread
            print(f"epoch {epoch}: loss {running / len(x):.4f}, MAE of the last weeks {error:.3f}")

    @torch.no_grad()
    def predict(self, x):
        parts = [self.net(torch.from_numpy(x[i : i + 100])).numpy() for i in range(0, len(x), 100)]
        return np.concatenate(parts)


if __name__ == "__main__":
    torch.manual_seed(2)
    series = load_series()
    cut = 1300
    mean, spread = series[:cut].mean(), series[:cut].std()
    series = (series - mean) / spread
    x_train, y_train = windows(series[:cut])
    x_late, y_late = windows(series[cut - 27 :])
    Forecaster().fit(x_train, y_train, x_late, y_late, spread)
