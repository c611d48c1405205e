import csv
import pathlib
import tempfile

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

folder = pathlib.Path(tempfile.mkdtemp())
rng = np.random.default_rng(17)
weights = rng.normal(size=8)
with (folder / "sensor.csv").open("w", newline="") as handle:
    writer = csv.writer(handle)
    for _ in range(2000):
        features = rng.normal(size=8)
        writer.writerow([*features.round(5), round(float(np.tanh(features @ weights)) + rng.normal(0, 0.05), 5)])


class CsvStream(IterableDataset):
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        info = get_worker_info()
        with open(self.path, newline="") as lines:
            for number, row in enumerate(csv.reader(lines)):
                if info is not None and number % info.num_workers != info.id:
                    continue
                values = torch.tensor([float(v) for v in row])
                yield values[:-1], values[-1:]


stream = DataLoader(CsvStream(folder / "sensor.csv"), batch_size=50, num_workers=2)
regressor = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))
torch.manual_seed(17)
for layer in regressor:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
optimiser = torch.optim.Adam(regressor.parameters(), lr=2e-3)
mse = nn.MSELoss()
for epoch in range(6):
    seen, error = 0, 0.0
    for x, y in stream:
        optimiser.zero_grad()
        loss = mse(regressor(x), y)
        loss.backward()
        optimiser.step()
        seen += len(x)
        error += loss.item() * len(x)
    print(f"epoch {epoch} rows {seen} mse {error / seen:.5f}")
