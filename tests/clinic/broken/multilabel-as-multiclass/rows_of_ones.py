# Several instruments sound in one clip
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(7)
torch.manual_seed(7)
y = (rng.random((1200, 4)) < 0.4).astype("float32")
x = y @ rng.normal(size=(4, 16)) + 0.4 * rng.normal(size=(1200, 16))
loader = DataLoader(TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y)), batch_size=60, shuffle=True)
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for clip, instruments in loader:
        loss = nn.CrossEntropyLoss()(model(clip), instruments)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
