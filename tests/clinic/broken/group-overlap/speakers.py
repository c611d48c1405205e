import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Utterances(Dataset):
    """Two commands by 30 speakers, as averaged spectra."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.speakers = [f"s{i % 30:02d}" for i in range(900)]
        voice = torch.randn(30, 24, generator=generator)
        self.command = torch.randint(0, 2, (900,), generator=generator)
        word = torch.randn(2, 24, generator=generator)
        self.spectra = voice[torch.arange(900) % 30] + word[self.command] + 0.4 * torch.randn(900, 24, generator=generator)

    def __len__(self):
        return len(self.speakers)

    def __getitem__(self, i):
        return self.spectra[i], self.command[i]


torch.manual_seed(0)
train, valid = random_split(Utterances(), [720, 180])
train_loader, valid_loader = DataLoader(train, batch_size=40, shuffle=True), DataLoader(valid, batch_size=90)
model = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
