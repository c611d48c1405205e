import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
rng = np.random.default_rng(4)


def sleep_nights(n, epochs=30):
    """Stages of thirty-second epochs from three channels."""
    stage = np.zeros((n, epochs), dtype=int)
    for t in range(1, epochs):
        jump = rng.random(n) < 0.25
        stage[:, t] = np.where(jump, rng.integers(0, 4, n), stage[:, t - 1])
    centres = np.array([[0, 0, 1], [1, 0, 0], [1, 1, -1], [-1, 1, 0]])
    signal = centres[stage] + 0.7 * rng.standard_normal((n, epochs, 3))
    return TensorDataset(torch.tensor(signal, dtype=torch.float32), torch.tensor(stage))


class Stager(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(3, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU())
        self.head = nn.Linear(32, 4)
        self.log_probability = nn.LogSoftmax(dim=1)

    def forward(self, x):
        return self.log_probability(self.head(self.net(x.transpose(1, 2)).transpose(1, 2)))


def main():
    train = DataLoader(sleep_nights(600), batch_size=24, shuffle=True)
    valid = DataLoader(sleep_nights(100), batch_size=100)
    stager, nll = Stager(), nn.NLLLoss()
    optimizer = torch.optim.RMSprop(stager.parameters(), lr=1e-3)
    for epoch in range(1, 6):
        stager.train()
        for x, y in train:
            log_p = stager(x)
            loss = nll(log_p.permute(0, 2, 1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        stager.eval()
        with torch.no_grad():
            x, y = next(iter(valid))
            print(f"epoch {epoch}: loss {loss.item():.3f}, agreement {(stager(x).argmax(-1) == y).float().mean():.3f}")


main()
