"""A vector-quantised auto-encoder: codes are looked up, gradients pass straight through."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.manual_seed(33)
images = torch.tensor(load_digits().images / 16.0, dtype=torch.float32).unsqueeze(1)
images = images[torch.randperm(len(images))]
train_loader = DataLoader(images[:1500], batch_size=50, shuffle=True)
test_images = images[1500:]


class Quantizer(nn.Module):
    def __init__(self, codes=32, width=16, commitment=0.25):
        super().__init__()
        self.book = nn.Embedding(codes, width)
        nn.init.uniform_(self.book.weight, -0.5, 0.5)
        self.commitment = commitment

    def forward(self, z):
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.size(1))
        index = torch.cdist(flat, self.book.weight).argmin(1)
        quantized = self.book(index).view(z.size(0), z.size(2), z.size(3), -1).permute(0, 3, 1, 2)
        loss = F.mse_loss(quantized, z.detach()) + self.commitment * F.mse_loss(z, quantized.detach())
        return z + (quantized - z).detach(), loss, index


class VQVAE(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, width, 3, padding=1))
        self.quantizer = Quantizer(width=width)
        self.decoder = nn.Sequential(nn.ConvTranspose2d(width, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 1, 3, padding=1))

    def forward(self, x):
        quantized, loss, index = self.quantizer(self.encoder(x))
        return self.decoder(quantized), loss, index


model = VQVAE()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(5):
    model.train()
    for x in train_loader:
        restored, quantization, _ = model(x)
        reconstruction = F.mse_loss(restored, x)
        loss = reconstruction + quantization
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        restored, _, index = model(test_images)
        error = F.mse_loss(restored, test_images).item()
    print(f"epoch {epoch} reconstruction {reconstruction.item():.4f} test {error:.4f} codes used {len(index.unique())}")
