"""Masked-token pre-training on unlabelled sequences, then fine-tuning with a small rate, in one script."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

VOCAB, MASK, LENGTH = 22, 21, 20


def motif_sequences(n, g):
    """Protein-like strings; the family is given by which of two motifs comes first."""
    seqs = torch.randint(20, (n, LENGTH), generator=g)
    motifs = torch.tensor([[3, 7, 7, 1, 12], [5, 9, 2, 2, 18]])
    order = torch.randint(2, (n,), generator=g)
    for i in range(n):
        a, b = int(torch.randint(0, 5, (1,), generator=g)), int(torch.randint(10, 15, (1,), generator=g))
        first, second = motifs[order[i]], motifs[1 - order[i]]
        seqs[i, a : a + 5], seqs[i, b : b + 5] = first, second
        if torch.rand(1, generator=g) < 0.5:
            seqs[i, a + int(torch.randint(5, (1,), generator=g))] = int(torch.randint(20, (1,), generator=g))
    flip = torch.rand(n, generator=g) < 0.03
    return seqs, torch.where(flip, 1 - order, order)


class Encoder(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.pos = nn.Parameter(torch.randn(1, LENGTH, dim) * 0.1)
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)

    def forward(self, ids):
        return self.norm(self.layers(self.tok(ids) + self.pos))


class MaskedModel(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.decoder = encoder, nn.Linear(48, 20)

    def forward(self, ids):
        return self.decoder(self.encoder(ids))


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.head = encoder, nn.Sequential(nn.Dropout(0.1), nn.Linear(48 * 2, 2))

    def forward(self, ids):
        h = self.encoder(ids)
        return self.head(torch.cat([h[:, :10].mean(1), h[:, 10:].mean(1)], dim=-1))


def pretrain(encoder, loader, epochs, lr):
    model = MaskedModel(encoder).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        for (ids,) in loader:
            masked = torch.rand(ids.shape) < 0.15
            logits = model(ids.masked_fill(masked, MASK))
            loss = F.cross_entropy(logits[masked], ids[masked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"pretrain epoch {epoch} masked loss {loss.item():.3f}")


def finetune(model, train_loader, val_loader, epochs, lr):
    optimizer = torch.optim.Adam(
        [{"params": model.encoder.parameters(), "lr": lr}, {"params": model.head.parameters(), "lr": 10 * lr}]
    )
    for epoch in range(epochs):
        model.train()
        for ids, label in train_loader:
            loss = F.cross_entropy(model(ids), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        right = n = 0
        with torch.no_grad():
            for ids, label in val_loader:
                right += (model(ids).argmax(1) == label).sum().item()
                n += len(label)
        print(f"finetune epoch {epoch} loss {loss.item():.3f} val acc {right / n:.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pretrain_lr", type=float, default=2e-3)
    parser.add_argument("--finetune_lr", type=float, default=3e-4)
    args = parser.parse_args()
    torch.manual_seed(61)
    g = torch.Generator().manual_seed(61)
    unlabelled, _ = motif_sequences(1500, g)
    labelled, labels = motif_sequences(900, g)
    encoder = Encoder()
    pretrain(encoder, DataLoader(TensorDataset(unlabelled), 50, shuffle=True), epochs=4, lr=args.pretrain_lr)
    train_loader = DataLoader(TensorDataset(labelled[:600], labels[:600]), 20, shuffle=True)
    val_loader = DataLoader(TensorDataset(labelled[600:], labels[600:]), 150)
    finetune(Classifier(encoder), train_loader, val_loader, epochs=6, lr=args.finetune_lr)


if __name__ == "__main__":
    main()
