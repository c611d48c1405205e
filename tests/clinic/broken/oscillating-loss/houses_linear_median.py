# House prices in euros; targets are standardised for training and scaled back for the report
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 8
np.random.seed(SEED)
torch.manual_seed(SEED)

n = 2200
area = np.random.gamma(9, 12, n) + 25
rooms = np.clip(np.round(area / 28 + np.random.normal(0, 0.8, n)), 1, None)
age = np.random.uniform(0, 90, n)
distance = np.random.exponential(6, n)
garden = np.random.binomial(1, 0.4, n)
price = 2900 * area + 15000 * rooms - 900 * age + 0.9 * (age - 50).clip(0) ** 2.6
price = price * (1.6 * np.exp(-distance / 12) + 0.5) + 38000 * garden + np.random.normal(0, 18000, n)
df = pd.DataFrame({"area": area, "rooms": rooms, "age": age, "distance": distance, "garden": garden, "price": price})

train_df = df.sample(frac=0.8, random_state=SEED)
test_df = df.drop(train_df.index)
features = ["area", "rooms", "age", "distance", "garden"]
f_mean, f_std = train_df[features].mean(), train_df[features].std()
p_mean, p_std = train_df.price.mean(), train_df.price.std()
print(f"{len(train_df)} training houses, mean price {p_mean:,.0f}, spread {p_std:,.0f}")


def tensors(frame):
    x = ((frame[features] - f_mean) / f_std).to_numpy(np.float32)
    y = ((frame.price - p_mean) / p_std).to_numpy(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)[:, None]


train_dl = DataLoader(TensorDataset(*tensors(train_df)), batch_size=64, shuffle=True)
x_test, y_test = tensors(test_df)

net = nn.Linear(5, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.9, momentum=0.8)
median = nn.L1Loss()
for epoch in range(15):
    net.train()
    batch_losses = []
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = median(net(xb), yb)
        loss.backward()
        optimizer.step()
        batch_losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        pred = net(x_test)
    mae = (pred - y_test).abs().mean().item() * p_std
    r2 = 1 - ((pred - y_test) ** 2).sum().item() / ((y_test - y_test.mean()) ** 2).sum().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: median {np.mean(batch_losses):.4f} test MAE {mae:,.0f} EUR, R2 {r2:.3f}")
