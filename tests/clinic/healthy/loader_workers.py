import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class ToneDataset(Dataset):
    """Each clip holds a chirp going up, going down, a steady tone or a trill, in noise."""

    sample_rate, length = 1000, 256

    def __init__(self, indices, augment):
        self.indices, self.augment = indices, augment

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, i):
        rng = np.random.default_rng(1000 + int(self.indices[i]))
        label = int(rng.integers(4))
        t = np.arange(self.length) / self.sample_rate
        f0 = rng.uniform(60, 120)
        slope = {0: 1.0, 1: -1.0, 2: 0.0, 3: 0.0}[label] * rng.uniform(150, 300)
        f = f0 + (80 if label == 1 else 0) + slope * t
        if label == 3:
            f = f + 40 * np.sign(np.sin(2 * np.pi * 20 * t))
        wave = np.sin(2 * np.pi * np.cumsum(f) / self.sample_rate + rng.uniform(0, 6.28))
        wave = torch.tensor(wave + 0.5 * rng.normal(size=self.length), dtype=torch.float32)
        if self.augment:
            wave = torch.roll(wave, int(torch.randint(-20, 21, (1,))))
            wave = wave * (0.8 + 0.4 * torch.rand(1))
        spec = torch.stft(wave, 64, 16, window=torch.hann_window(64), return_complex=True).abs()
        return torch.log1p(spec[:24]) - 1.2, label


class SpecNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(24 * 6 * 4, 4))

    def forward(self, spec):
        return self.classifier(self.features(spec.unsqueeze(1)).flatten(1))


def run():
    torch.manual_seed(77)
    clips = torch.randperm(1200)
    train_loader = DataLoader(ToneDataset(clips[:960], True), batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)
    val_loader = DataLoader(ToneDataset(clips[960:], False), batch_size=80, num_workers=2, persistent_workers=True)
    model = SpecNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        losses = []
        for spec, label in train_loader:
            loss = criterion(model(spec), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        hits = 0
        with torch.no_grad():
            for spec, label in val_loader:
                hits += int((model(spec).argmax(1) == label).sum())
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, val accuracy {hits / 240:.3f}")


if __name__ == "__main__":
    run()
