"""Image patches with a tiny ViT, in the form the same file takes under torchrun (one process here)."""
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler
from transformers import ViTConfig, ViTForImageClassification


def world():
    return int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))


def stripes(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    axis = torch.linspace(0, 1, 32)
    phase = torch.rand(n, 1, 1, generator=g) * 6.28
    angle = y.view(-1, 1, 1) * 0.785
    wave = torch.sin(25 * (axis[None, :, None] * angle.cos() + axis[None, None, :] * angle.sin()) + phase)
    x = wave[:, None].repeat(1, 3, 1, 1) + 0.3 * torch.randn(n, 3, 32, 32, generator=g)
    return TensorDataset(x, y)


def build_loaders(batch_size):
    replicas, rank = world()
    train, valid = stripes(1200, 0), stripes(200, 1)
    sampler = DistributedSampler(train, num_replicas=replicas, rank=rank, shuffle=True)
    return DataLoader(train, batch_size, sampler=sampler), DataLoader(valid, batch_size), sampler


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for pixels, target in loader:
        loss = model(pixel_values=pixels, labels=target).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.inference_mode()
def accuracy(model, loader):
    model.eval()
    right = [model(pixel_values=p).logits.argmax(-1).eq(t).sum() for p, t in loader]
    return torch.stack(right).sum().item() / len(loader.dataset)


def main():
    torch.manual_seed(0)
    train, valid, sampler = build_loaders(40)
    model = ViTForImageClassification(ViTConfig(
        image_size=32, patch_size=8, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, num_labels=4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    for epoch in range(6):
        sampler.set_epoch(epoch)
        loss = train_one_epoch(model, train, optimizer)
        print(f"{epoch=} {loss=:.4f} accuracy={accuracy(model, valid):.3f}")


if __name__ == "__main__":
    main()
