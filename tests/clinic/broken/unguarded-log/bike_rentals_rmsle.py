import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SEED = 79
np.random.seed(SEED)
torch.manual_seed(SEED)

hours = pd.DataFrame({"hour": np.random.randint(0, 24, 2000), "temp": np.random.normal(15, 8, 2000)})
hours["weekend"] = (np.random.rand(2000) < 0.28).astype(int)
hours["wind"] = np.random.gamma(2.0, 4.0, 2000)
rush = np.exp(-((hours.hour - 8) ** 2) / 4) + np.exp(-((hours.hour - 18) ** 2) / 6)
mean = 1 + 2.5 * rush * (1 - 0.7 * hours.weekend) + 0.06 * hours.temp.clip(0) - 0.02 * hours.wind
hours["count"] = np.random.poisson(np.exp(mean.clip(0.2, 4)))

features = ["hour", "temp", "weekend", "wind"]
train_df, valid_df = hours[:1700], hours[1700:]
mu, sigma = train_df[features].mean(), train_df[features].std()


class Rentals(Dataset):
    def __init__(self, df):
        self.x = torch.tensor(((df[features] - mu) / sigma).values, dtype=torch.float32)
        self.y = torch.tensor(df["count"].values, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class RMSLELoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.mse = nn.MSELoss()

    def forward(self, predicted, actual):
        return torch.sqrt(self.mse(torch.log(predicted), torch.log(actual + 1)))


model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = RMSLELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train_dl = DataLoader(Rentals(train_df), batch_size=68, shuffle=True)
valid_dl = DataLoader(Rentals(valid_df), batch_size=300)

for epoch in range(5):
    model.train()
    history = []
    for x, y in train_dl:
        loss = criterion(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    model.eval()
    with torch.no_grad():
        error = np.mean([criterion(model(x).squeeze(1), y).item() for x, y in valid_dl])
    print(f"epoch {epoch}: rmsle train {np.mean(history):.4f} valid {error:.4f}")
