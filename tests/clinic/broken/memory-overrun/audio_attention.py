import argparse

import torch
import torch.nn as nn


def clips(n, seconds, rate):
    t = torch.arange(int(seconds * rate)) / rate
    pitch = torch.randint(2, 8, (n, 1)) * 110.0
    return torch.sin(2 * torch.pi * pitch * t) + 0.3 * torch.randn(n, len(t)), (pitch[:, 0] / 110).long() - 2


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.to_qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * self.scale).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, d))


class AudioTransformer(nn.Module):
    def __init__(self, dim=4, heads=4, classes=6):
        super().__init__()
        self.embed = nn.Linear(1, dim)
        self.attention = Attention(dim, heads)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, wave):
        x = self.embed(wave.unsqueeze(-1))
        x = self.norm(x + self.attention(x))
        return self.head(x.mean(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(0)
    waves, labels = clips(8, args.seconds, args.rate)
    model = AudioTransformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        for i in range(0, len(waves), args.batch_size):
            logits = model(waves[i : i + args.batch_size])
            loss = criterion(logits, labels[i : i + args.batch_size])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
