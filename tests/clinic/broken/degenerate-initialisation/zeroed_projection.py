import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(113)
rng = np.random.default_rng(113)


class Recommender(nn.Module):
    """Users and films as vectors, and a small network on top."""

    def __init__(self, users, films, width=24):
        super().__init__()
        self.users, self.films = nn.Embedding(users, width), nn.Embedding(films, width)
        self.hidden = nn.Linear(2 * width, 48)
        self.score = nn.Linear(48, 1)
        self.reset_parameters()

    def reset_parameters(self):
        for table in (self.users, self.films):
            nn.init.normal_(table.weight, std=0.1)
        for layer in (self.hidden, self.score):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, user, film):
        pair = torch.cat([self.users(user), self.films(film)], dim=-1)
        return self.score(torch.tanh(self.hidden(pair))).squeeze(-1)


taste, genre = rng.normal(size=(200, 3)), rng.normal(size=(150, 3))
user, film = rng.integers(0, 200, 6000), rng.integers(0, 150, 6000)
stars = np.tanh((taste[user] * genre[film]).sum(1)) + 0.1 * rng.normal(size=6000)
data = TensorDataset(torch.tensor(user), torch.tensor(film), torch.tensor(stars, dtype=torch.float32))
loader = DataLoader(data, batch_size=100, shuffle=True)
model = Recommender(200, 150)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(5):
    total = 0.0
    for u, f, s in loader:
        loss = nn.functional.mse_loss(model(u, f), s)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
