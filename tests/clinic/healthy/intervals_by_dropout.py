import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
features, target = make_friedman1(1300, n_features=8, noise=0.7, random_state=0)
features = (features - features[:1000].mean(0)) / features[:1000].std(0)
mean, spread = target[:1000].mean(), target[:1000].std()
target = (target - mean) / spread
fit_x, fit_y = (torch.tensor(v[:1000], dtype=torch.float32) for v in (features, target))
new_x, new_y = (torch.tensor(v[1000:], dtype=torch.float32) for v in (features, target))

net = nn.Sequential(
    nn.Linear(8, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 1)
)
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
PASSES = 25


def passes_through(x):
    """Predictions of many thinned networks: their spread is the uncertainty of the model."""
    net.train()
    drawn = []
    with torch.no_grad():
        for _ in range(PASSES):
            drawn.append(torch.cat([net(part).squeeze(1) for part in x.split(100)]))
    return torch.stack(drawn)


for epoch in range(20):
    net.train()
    losses = []
    for rows in np.array_split(rng.permutation(1000), 25):
        rows = torch.from_numpy(rows)
        loss = nn.functional.mse_loss(net(fit_x[rows]).squeeze(1), fit_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    drawn = passes_through(new_x)
    error = (drawn.mean(0) - new_y).square().mean().sqrt().item()
    width = drawn.std(0).mean().item()
    print(f"epoch {epoch:2d} loss {np.mean(losses):.4f} rmse {error * spread:.3f} width {width * spread:.3f}")
