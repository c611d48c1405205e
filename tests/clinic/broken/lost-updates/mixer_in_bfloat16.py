import argparse
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channel = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.token(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel(self.n2(x))


class Mixer(nn.Module):
    def __init__(self, dim=48, depth=3):
        super().__init__()
        self.embed = nn.Linear(4, dim)
        self.blocks = nn.ModuleList([MixerBlock(16, dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = x.unfold(1, 2, 2).unfold(2, 2, 2).reshape(len(x), 16, 4)
        x = self.embed(x)
        for b in self.blocks:
            x = b(x)
        return self.head(self.norm(x).mean(1))


def batches(x, y, size, gen):
    for idx in torch.randperm(len(x), generator=gen).split(size):
        yield x[idx], y[idx]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--bs", type=int, default=32)
    a = p.parse_args()
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(1)
    x, y = load_digits(return_X_y=True)
    dtype = torch.bfloat16
    x = (torch.tensor(x / 8 - 1).float()).view(-1, 8, 8)
    y = torch.tensor(y)
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    model = Mixer().to(dtype)
    opt = torch.optim.AdamW(model.parameters(), lr=a.lr, weight_decay=0.01)
    for epoch in range(a.epochs):
        model.train()
        for xb, yb in batches(x[:1400], y[:1400], a.bs, gen):
            loss = F.cross_entropy(model(xb.to(dtype)).float(), yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        model.eval()
        with torch.inference_mode():
            out = model(x[1400:].to(next(model.parameters()).dtype))
        print(epoch, f"{loss.item():.3f} acc {(out.argmax(1) == y[1400:]).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
