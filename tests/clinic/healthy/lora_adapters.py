"""A base model learned on one corpus is adapted to a second by low-rank adapters only."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class LoRALinear(nn.Module):
    def __init__(self, base, r=4, alpha=8):
        super().__init__()
        self.base = base
        self.base.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.empty(r, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scaling = alpha / r

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scaling


class Net(nn.Module):
    def __init__(self, vocab=30, dim=64, depth=3, classes=5):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(depth))
        self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(depth))
        self.head = nn.Linear(dim, classes)

    def forward(self, ids):
        h = self.emb(ids).mean(1)
        for norm, layer in zip(self.norms, self.layers):
            h = h + F.gelu(layer(norm(h)))
        return self.head(h)


def topic_data(n, shift, g):
    """Bags of symbols: each topic prefers some symbols; in the second corpus the preferences move."""
    y = torch.randint(5, (n,), generator=g)
    favourite = (y[:, None] * 6 + torch.randint(6, (n, 16), generator=g) + shift) % 30
    noise = torch.randint(30, (n, 16), generator=g)
    return torch.where(torch.rand(n, 16, generator=g) < 0.35, favourite, noise), y


def fit(model, train, val, epochs, lr, name):
    loader = DataLoader(TensorDataset(*train), batch_size=40, shuffle=True)
    trainable = [p for p in model.parameters() if p.requires_grad]
    total = sum(p.numel() for p in model.parameters())
    print(f"{name}: {sum(p.numel() for p in trainable)} of {total} parameters train")
    optimizer = torch.optim.Adam(trainable, lr=lr)
    for epoch in range(epochs):
        model.train()
        for ids, y in loader:
            loss = F.cross_entropy(model(ids), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            acc = (model(val[0]).argmax(1) == val[1]).float().mean().item()
        print(f"  epoch {epoch} loss {loss.item():.3f} val acc {acc:.3f}")


def main():
    torch.manual_seed(48)
    g = torch.Generator().manual_seed(48)
    model = Net()
    fit(model, topic_data(1600, 0, g), topic_data(400, 0, g), epochs=3, lr=2e-3, name="base")
    model.requires_grad_(False)
    for i, layer in enumerate(model.layers):
        model.layers[i] = LoRALinear(layer)
    model.head = LoRALinear(model.head)
    fit(model, topic_data(1600, 3, g), topic_data(400, 3, g), epochs=6, lr=1e-2, name="adapters")


if __name__ == "__main__":
    main()
