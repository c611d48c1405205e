"""Segment noisy step signals; gradients are accumulated to imitate a larger batch."""

import argparse
import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
log = logging.getLogger(__name__)


def step_signals(n, length=64):
    """Mark where a signal is in its 'on' state."""
    start = torch.randint(4, 28, (n, 1))
    end = start + torch.randint(8, 30, (n, 1))
    t = torch.arange(length)
    on = ((t >= start) & (t < end)).float()
    drift = torch.randn(n, 1) * 0.3 + torch.randn(n, 1) * 0.3 * torch.linspace(-1, 1, length)
    return (on + drift + 0.5 * torch.randn(n, length)).unsqueeze(1), on


class SignalNet(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, ch, 7, padding=3), nn.ReLU(), nn.Conv1d(ch, ch, 7, padding=6, dilation=2), nn.ReLU(),
            nn.Conv1d(ch, ch, 7, padding=12, dilation=4), nn.ReLU(), nn.Conv1d(ch, 1, 1),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x).squeeze(1)


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--gradient_accumulation_steps", type=int, default=64)
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--num_train_epochs", type=int, default=5)
    return parser.parse_args()


def main():
    args = get_args()
    torch.manual_seed(7)
    x, y = step_signals(1500)
    train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=100)
    model = SignalNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate)
    log.info("batches per epoch: %d", len(train_loader))
    for epoch in range(args.num_train_epochs):
        model.train()
        optimizer.zero_grad()
        running = 0.0
        for step, (xb, yb) in enumerate(train_loader):
            loss = F.binary_cross_entropy_with_logits(model(xb), yb)
            (loss / args.gradient_accumulation_steps).backward()
            running += loss.item() * len(xb)
            if (step + 1) % args.gradient_accumulation_steps == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        right = 0.0
        with torch.no_grad():
            for xb, yb in val_loader:
                right += ((model(xb) > 0).float() == yb).float().mean(1).sum().item()
        print(f"epoch {epoch} train loss {running / 1200:.4f} val point accuracy {right / 300:.4f}")


if __name__ == "__main__":
    main()
