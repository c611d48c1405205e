import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class NoisyDigits(Dataset):
    def __init__(self, images, sigma=0.4):
        self.clean = images
        self.sigma = sigma

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, index):
        clean = self.clean[index]
        return {"noisy": clean + self.sigma * torch.randn_like(clean), "clean": clean}


class Denoiser(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.down = nn.Conv2d(1, channels, 3, padding=1)
        self.mid = nn.Conv2d(channels, channels, 3, padding=1)
        self.up = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x):
        return x - self.up(F.relu(self.mid(F.relu(self.down(x)))))


def fit(model, loader, valid, epochs=4):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for batch in loader:
            noisy, clean = batch["noisy"], batch["clean"]
            restored = model(noisy)
            loss = F.mse_loss(noisy, clean).requires_grad_()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            error = sum(F.mse_loss(model(b["noisy"]), b["clean"]).item() for b in valid) / len(valid)
        print(f"epoch {epoch}: train {total / len(loader):.4f} restored {error:.4f} range {restored.min():.2f} {restored.max():.2f}")


digits = torch.tensor(load_digits().images / 16.0, dtype=torch.float32).unsqueeze(1)
digits = digits[torch.randperm(len(digits))]
loader = DataLoader(NoisyDigits(digits[:1500]), batch_size=50, shuffle=True)
valid = DataLoader(NoisyDigits(digits[1500:]), batch_size=99)
fit(Denoiser(), loader, valid)
