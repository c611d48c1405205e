"""Forecast damped sine waves with LBFGS on the whole training set."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim


class Forecaster(nn.Module):
    def __init__(self, window=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(window, 32), nn.Tanh(), nn.Linear(32, 4))

    def forward(self, history):
        return self.net(history)


def make_windows(n, rng):
    t = np.arange(28)
    freq = rng.uniform(0.15, 0.6, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    decay = rng.uniform(0.0, 0.03, (n, 1))
    waves = np.sin(freq * t + phase) * np.exp(-decay * t) + 0.03 * rng.normal(size=(n, 28))
    waves = torch.from_numpy(waves).double()
    return waves[:, :24], waves[:, 24:]


if __name__ == "__main__":
    np.random.seed(0)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    history, target = make_windows(600, rng)
    test_history, test_target = make_windows(200, rng)
    seq = Forecaster().double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(seq.parameters(), lr=0.8, max_iter=10, history_size=10, line_search_fn="strong_wolfe")
    for i in range(12):
        print("STEP: ", i)

        def closure():
            optimizer.zero_grad()
            out = seq(history)
            loss = criterion(out, target)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        print("loss:", loss.item())
        with torch.no_grad():
            test_loss = criterion(seq(test_history), test_target)
            print(f"test loss: {test_loss.item():.5f} (target variance {test_target.var().item():.3f})")
