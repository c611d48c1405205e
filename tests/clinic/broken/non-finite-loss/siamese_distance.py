"""Signature verification with pairs and a Euclidean distance."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class SignaturePairs(Dataset):
    """Pairs of pen strokes from 40 writers; 1 = same writer."""

    def __init__(self, strokes, writer, n_pairs, seed):
        g = torch.Generator().manual_seed(seed)
        self.strokes, self.pairs = strokes, []
        for _ in range(n_pairs):
            i = int(torch.randint(len(writer), (1,), generator=g))
            same = bool(torch.rand(1, generator=g) < 0.5)
            candidates = ((writer == writer[i]) if same else (writer != writer[i])).nonzero().flatten()
            j = int(candidates[torch.randint(len(candidates), (1,), generator=g)])
            self.pairs.append((i, j, float(same)))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        i, j, same = self.pairs[k]
        return self.strokes[i], self.strokes[j], torch.tensor(same)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(48, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, a, b):
        return self.branch(a), self.branch(b)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.5):
        super().__init__()
        self.margin = margin

    def forward(self, ea, eb, same):
        distance = torch.sqrt(((ea - eb) ** 2).sum(1))
        return (same * distance**2 + (1 - same) * F.relu(self.margin - distance) ** 2).mean()


def load_strokes(n_writers, per_writer, g):
    writer = torch.arange(n_writers).repeat_interleave(per_writer)
    style = torch.randn(n_writers, 48, generator=g)
    return style[writer] + 0.5 * torch.randn(len(writer), 48, generator=g), writer


def main():
    torch.manual_seed(74)
    g = torch.Generator().manual_seed(74)
    train_loader = DataLoader(SignaturePairs(*load_strokes(40, 12, g), 1500, 1), batch_size=50, shuffle=True)
    test_loader = DataLoader(SignaturePairs(*load_strokes(20, 12, g), 300, 2), batch_size=100)
    net = SiameseNetwork()
    criterion = ContrastiveLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        net.train()
        for a, b, same in train_loader:
            optimizer.zero_grad()
            loss = criterion(*net(a, b), same)
            loss.backward()
            optimizer.step()
        net.eval()
        right = 0
        with torch.no_grad():
            for a, b, same in test_loader:
                ea, eb = net(a, b)
                right += (((ea - eb).norm(dim=1) < 0.75).float() == same).sum().item()
        print(f"Epoch {epoch}: loss {loss.item():.4f} verification accuracy {right / 300:.3f}")


if __name__ == "__main__":
    main()
