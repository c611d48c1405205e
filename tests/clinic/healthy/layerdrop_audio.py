import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(61)
RATE, CLASSES = 400, 5


class Commands(Dataset):
    """Short words of two tones each."""

    def __init__(self, n):
        self.labels = torch.randint(0, CLASSES, (n,))
        t = torch.arange(RATE) / RATE
        first = torch.tensor([20.0, 35, 50, 35, 20])[self.labels, None]
        second = torch.tensor([35.0, 50, 20, 20, 50])[self.labels, None]
        tone = torch.where(t < 0.5, torch.sin(2 * math.pi * first * t), torch.sin(2 * math.pi * second * t))
        self.waves = tone + 0.4 * torch.randn(n, RATE)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"input_values": self.waves[i], "label": self.labels[i]}


class FeatureEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv1d(1, width, 10, stride=4), nn.Conv1d(width, width, 4, stride=2)])
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in self.layers)

    def forward(self, wave):
        x = wave.unsqueeze(1)
        for layer, norm in zip(self.layers, self.norms):
            x = F.gelu(norm(layer(x)))
        return x.transpose(1, 2)


class Wav2Vec(nn.Module):
    def __init__(self, width=32, depth=4, layerdrop=0.2, mask_prob=0.1):
        super().__init__()
        self.layerdrop, self.mask_prob = layerdrop, mask_prob
        self.features = FeatureEncoder(width)
        self.masked = nn.Parameter(torch.rand(width))
        self.positions = nn.Conv1d(width, width, 15, padding=7, groups=4)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 64, 0.1, batch_first=True, norm_first=True) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.projector, self.classifier = nn.Linear(width, width), nn.Linear(width, CLASSES)

    def forward(self, input_values):
        x = self.features(input_values)
        if self.training:
            hidden = torch.rand(x.shape[:2]) < self.mask_prob
            x = torch.where(hidden[..., None], self.masked, x)
        x = x + F.gelu(self.positions(x.transpose(1, 2))).transpose(1, 2)
        for layer in self.layers:
            if self.training and torch.rand(()) < self.layerdrop:
                continue
            x = layer(x)
        return self.classifier(torch.tanh(self.projector(self.norm(x)).mean(1)))


model = Wav2Vec()
train, test = DataLoader(Commands(900), 30, shuffle=True), DataLoader(Commands(150), 50)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(5):
    model.train()
    for batch in train:
        loss = F.cross_entropy(model(batch["input_values"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(b["input_values"]).argmax(-1) == b["label"]).sum().item() for b in test)
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {hits / 150:.3f}")
