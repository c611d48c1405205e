import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

SEED = 1234
np.random.seed(SEED)
torch.manual_seed(SEED)
device = "cuda" if torch.cuda.is_available() else "cpu"

features, target = make_moons(n_samples=1500, noise=0.2, random_state=SEED)
features = features.astype("float32")
target = target.astype("float32")
cut = 1200
mu, sigma = features[:cut].mean(0), features[:cut].std(0)
features = (features - mu) / sigma
ds_train = TensorDataset(torch.from_numpy(features[:cut]), torch.from_numpy(target[:cut]))
ds_valid = TensorDataset(torch.from_numpy(features[cut:]), torch.from_numpy(target[cut:]))
dl_train = DataLoader(ds_train, batch_size=50, shuffle=True)
dl_valid = DataLoader(ds_valid, batch_size=100, shuffle=False)

net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)).to(device)
opt = optim.SGD(net.parameters(), lr=0.1, momentum=1.0)
bce = nn.BCEWithLogitsLoss()

for epoch in range(8):
    net.train()
    seen, total = 0, 0.0
    bar = tqdm(dl_train, desc=f"epoch {epoch}", leave=False)
    for xb, yb in bar:
        xb, yb = xb.to(device), yb.to(device)
        loss = bce(net(xb).squeeze(1), yb)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
        seen += len(xb)
        bar.set_postfix(loss=f"{total / seen:.4f}")

    net.eval()
    hits = 0
    with torch.inference_mode():
        for xb, yb in tqdm(dl_valid, desc="valid", leave=False):
            hits += ((net(xb.to(device)).squeeze(1) > 0).float().cpu() == yb).sum().item()
    print(f"epoch {epoch}  train loss {total / seen:.4f}  valid acc {hits / len(ds_valid):.3f}")
