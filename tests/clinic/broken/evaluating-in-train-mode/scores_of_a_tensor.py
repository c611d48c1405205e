import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def rooms(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pulses in a room: how far away is the wall that they come back from?"""
    g = torch.Generator().manual_seed(seed)
    distance = 1 + 4 * torch.rand(n, 1, generator=g)
    t = torch.linspace(0, 6, 48)
    direct = torch.exp(-((t - 0.5) ** 2) / 0.02)
    echo = torch.exp(-((t - 0.5 - distance) ** 2) / 0.05) / distance
    gain = 0.5 + torch.rand(n, 1, generator=g)
    return (gain * (direct + echo) + 0.05 * torch.randn(n, 48, generator=g))[:, None], distance


def block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inside, outside, 5, padding=2), nn.BatchNorm1d(outside), nn.ReLU(), nn.MaxPool1d(2))


class EchoNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([block(1, 16), block(16, 32), block(32, 32)])
        self.regress = nn.Linear(32 * 6, 1)

    def forward(self, signal: Tensor) -> Tensor:
        for stage in self.stages:
            signal = stage(signal)
        return self.regress(signal.flatten(1))


def score(net: nn.Module, signal: Tensor, distance: Tensor) -> float:
    with torch.no_grad():
        error = net(signal) - distance
    return math.sqrt(float((error * error).mean()))


def train(epochs: int = 10) -> EchoNet:
    torch.manual_seed(8)
    signal, distance = rooms(960, 1)
    far_signal, far_distance = rooms(240, 2)
    loader = DataLoader(TensorDataset(signal, distance), batch_size=32, shuffle=True)
    net = EchoNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(1, epochs + 1):
        for pulse, truth in loader:
            loss = F.smooth_l1_loss(net(pulse), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{epoch:2d}: loss {loss.item():.4f}, rmse {score(net, far_signal, far_distance):.3f} m")
    return net


if __name__ == "__main__":
    train()
