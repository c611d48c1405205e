import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Machines(Dataset):
    """Vibration of one sensor: healthy, unbalanced, loose."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.x, self.y = [], []
        t = np.arange(96) / 96
        for _ in range(n):
            kind = int(rng.integers(3))
            speed = rng.uniform(6, 9)
            wave = np.sin(2 * np.pi * speed * t + rng.uniform(0, 6.3))
            if kind == 1:
                wave = 2.5 * wave
            if kind == 2:
                wave = wave + np.sign(np.sin(2 * np.pi * 3 * speed * t))
            self.x.append((wave + rng.normal(0, 0.2, 96)).astype("float32")[:, None])
            self.y.append(kind)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), self.y[i]


class FaultNet(nn.Module):
    def __init__(self, channels=1, hidden=32, classes=3):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.gru = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * hidden, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, x):
        h, _ = self.gru(self.norm(x))
        return self.head(h.mean(dim=1))


def run():
    torch.manual_seed(7)
    train = DataLoader(Machines(600, 0), batch_size=32, shuffle=True, drop_last=True)
    val = DataLoader(Machines(150, 1), batch_size=75)
    net = FaultNet()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        net.train()
        for xb, yb in train:
            opt.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            opt.step()
        net.eval()
        right = 0
        with torch.inference_mode():
            for xb, yb in val:
                right += (net(xb).argmax(-1) == yb).sum().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}  val accuracy {right / 150:.3f}")


if __name__ == "__main__":
    run()
