"""An autoencoder for short waves, on Accelerate."""

import math

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def waves(count):
    phase = torch.rand(count, 1) * 2 * math.pi
    pitch = torch.rand(count, 1) * 3 + 1
    time = torch.linspace(0, 1, 48)[None]
    return torch.sin(2 * math.pi * pitch * time + phase)


def main():
    torch.manual_seed(1)
    accelerator = Accelerator(cpu=True)
    model = nn.Sequential(
        nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 6), nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 48)
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1.0)
    loader = DataLoader(TensorDataset(waves(1024)), batch_size=64, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for epoch in range(10):
        for (batch,) in loader:
            loss = nn.functional.mse_loss(model(batch), batch)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        accelerator.print(epoch, loss.item())


if __name__ == "__main__":
    main()
