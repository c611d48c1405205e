import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class SensorWindows(Dataset):
    """Windows of 32 readings and the mean of the next four."""

    def __init__(self, seed, count):
        rng = np.random.default_rng(seed)
        t = np.arange(count + 40)
        self.signal = (np.sin(t / 9) + 0.4 * np.sin(t / 3.1) + 0.1 * rng.normal(size=len(t))).astype("float32")
        for start in rng.integers(0, count, 6):
            self.signal[start : start + 5] = np.nan  # the logger was off

    def __len__(self):
        return len(self.signal) - 36

    def __getitem__(self, i):
        window = torch.from_numpy(self.signal[i : i + 32].copy())
        return window, torch.tensor(self.signal[i + 32 : i + 36].mean())


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, window):
        _, state = self.gru(window.unsqueeze(-1))
        return self.out(state[-1]).squeeze(-1)


def main():
    torch.manual_seed(0)
    loader = DataLoader(SensorWindows(0, 1500), batch_size=50, shuffle=True)
    model = Forecaster()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(3):
        for window, target in loader:
            loss = F.mse_loss(model(window), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", loss.item())


if __name__ == "__main__":
    main()
