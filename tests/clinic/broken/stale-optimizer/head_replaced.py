"""Reuse a sequence encoder for a new set of classes with Accelerate."""

import torch
import torch.nn as nn
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, TensorDataset


class SequenceClassifier(nn.Module):
    def __init__(self, n_classes, vocab=24, dim=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.conv = nn.Sequential(nn.Conv1d(dim, 48, 3, padding=1), nn.ReLU(), nn.Conv1d(48, 48, 3, padding=1), nn.ReLU())
        self.classifier = nn.Linear(48, n_classes)

    def forward(self, tokens):
        return self.classifier(self.conv(self.embed(tokens).transpose(1, 2)).mean(-1))


def bigram_classes(n, n_classes, g, length=20):
    """Class c shows the pair (c, c + 8) a few times."""
    tokens = torch.randint(24, (n, length), generator=g)
    y = torch.randint(n_classes, (n,), generator=g)
    for i in range(n):
        for start in torch.randint(0, length // 2, (3,), generator=g).unique() * 2:
            if start + 1 < length:
                tokens[i, start], tokens[i, start + 1] = y[i], y[i] + 8
    return tokens, y


def main():
    set_seed(19)
    g = torch.Generator().manual_seed(19)
    accelerator = Accelerator(cpu=True)
    model = SequenceClassifier(n_classes=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    n_classes = 6
    model.classifier = nn.Linear(48, n_classes)

    tokens, y = bigram_classes(1800, n_classes, g)
    train_loader = DataLoader(TensorDataset(tokens[:1500], y[:1500]), batch_size=50, shuffle=True)
    eval_loader = DataLoader(TensorDataset(tokens[1500:], y[1500:]), batch_size=150)
    model, optimizer, train_loader, eval_loader = accelerator.prepare(model, optimizer, train_loader, eval_loader)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        for batch_tokens, batch_y in train_loader:
            with accelerator.accumulate(model):
                loss = loss_fn(model(batch_tokens), batch_y)
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        right = 0
        for batch_tokens, batch_y in eval_loader:
            with torch.no_grad():
                right += (model(batch_tokens).argmax(-1) == batch_y).sum().item()
        accelerator.print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {right / 300:.4f}")


if __name__ == "__main__":
    main()
