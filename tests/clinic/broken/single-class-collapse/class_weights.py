"""Traffic light states from small crops; class weights are meant to make 'red' safe."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

STATES = ["red", "amber", "green"]


class LightCrops(Dataset):
    def __init__(self, n=1500):
        self.state = torch.randint(3, (n,))
        crops = 0.25 + 0.25 * torch.randn(n, 3, 12, 6)
        colours = torch.tensor([[1.0, 0.1, 0.1], [0.9, 0.7, 0.1], [0.1, 0.9, 0.3]])
        for i, s in enumerate(self.state.tolist()):
            strength = 0.2 + 0.4 * torch.rand(1)
            rows = slice(4 * s, 4 * s + 4)
            crops[i, :, rows, 1:5] += strength * colours[s][:, None, None]
        self.crops = (crops - 0.3) / 0.3

    def __len__(self):
        return len(self.state)

    def __getitem__(self, i):
        return self.crops[i], self.state[i]


class LightNet(nn.Module):
    def __init__(self, dropout=0.2):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.GroupNorm(4, 16)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(16 * 6 * 3, 3)

    def forward(self, crop):
        h = F.max_pool2d(F.relu(self.norm(self.conv(crop))), 2)
        return self.head(self.drop(h.flatten(1)))


class LightTrainer:
    def __init__(self, weights, lr=1e-3, epochs=5):
        self.model = LightNet()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.weights, self.epochs = torch.tensor(weights), epochs

    def fit(self, train_loader, val_loader):
        for epoch in range(self.epochs):
            self.model.train()
            for crop, state in train_loader:
                self.optimizer.zero_grad()
                per_sample = F.cross_entropy(self.model(crop), state, reduction="none")
                loss = (per_sample * self.weights[state]).mean()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch} loss {loss.item():.4f}", self.report(val_loader))

    @torch.no_grad()
    def report(self, loader):
        self.model.eval()
        counts = torch.zeros(3, 3, dtype=torch.long)
        for crop, state in loader:
            for t, p in zip(state, self.model(crop).argmax(1)):
                counts[t, p] += 1
        return {name: row.tolist() for name, row in zip(STATES, counts)}


if __name__ == "__main__":
    torch.manual_seed(34)
    train_set, val_set = random_split(LightCrops(), [1200, 300])
    trainer = LightTrainer(weights=[1.0, 0.01, 0.01])
    trainer.fit(DataLoader(train_set, batch_size=32, shuffle=True), DataLoader(val_set, batch_size=100))
