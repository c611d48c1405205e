# Churn prediction: categorical embeddings + numeric columns
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, Dataset


def seed_everything(seed=42):
    np.random.seed(seed)
    torch.manual_seed(seed)


seed_everything()

n = 2400
rng = np.random.default_rng(17)
df = pd.DataFrame(
    {
        "plan": rng.choice(["free", "basic", "plus", "pro"], n),
        "region": rng.choice(["north", "south", "east", "west", "islands"], n),
        "tenure": rng.gamma(2.0, 9.0, n),
        "tickets": rng.poisson(2, n),
        "monthly": rng.normal(40, 12, n),
    }
)
plan_effect = df["plan"].map({"free": 1.2, "basic": 0.3, "plus": -0.4, "pro": -1.1})
logit = 1.3 * plan_effect - 0.09 * (df["tenure"] - 18) + 0.7 * (df["tickets"] - 2) + 0.04 * (df["monthly"] - 40)
logit += np.where(df["region"].isin(["islands", "east"]), 0.8, -0.4)
df["churn"] = (rng.random(n) < 1 / (1 + np.exp(-1.5 * logit))).astype(int)

cat_cols, num_cols = ["plan", "region"], ["tenure", "tickets", "monthly"]
cat_maps = {c: {v: i for i, v in enumerate(sorted(df[c].unique()))} for c in cat_cols}
perm = rng.permutation(n)
trn, val = df.iloc[perm[:1900]].copy(), df.iloc[perm[1900:]].copy()
num_mean, num_std = trn[num_cols].mean(), trn[num_cols].std()


class TabularDataset(Dataset):
    def __init__(self, frame):
        self.cats = np.stack([frame[c].map(cat_maps[c]).to_numpy() for c in cat_cols], 1).astype("int64")
        self.nums = ((frame[num_cols] - num_mean) / num_std).to_numpy(dtype="float32")
        self.y = frame["churn"].to_numpy(dtype="float32")

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cats[i], self.nums[i], self.y[i]


class TabularModel(nn.Module):
    def __init__(self, cards, n_num):
        super().__init__()
        self.embs = nn.ModuleList([nn.Embedding(c, 4) for c in cards])
        self.layers = nn.Sequential(
            nn.Linear(4 * len(cards) + n_num, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32),
            nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1),
        )  # fmt: skip

    def forward(self, cats, nums):
        x = torch.cat([emb(cats[:, i]) for i, emb in enumerate(self.embs)] + [nums], 1)
        return self.layers(x)[:, 0]


EPOCHS, BS = 6, 64
trn_dl = DataLoader(TabularDataset(trn), batch_size=BS, shuffle=True, drop_last=True)
val_dl = DataLoader(TabularDataset(val), batch_size=250)
model = TabularModel([len(cat_maps[c]) for c in cat_cols], len(num_cols))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, epochs=EPOCHS, steps_per_epoch=len(trn_dl))
loss_fn = nn.BCEWithLogitsLoss()

for epoch in range(EPOCHS):
    model.train()
    trn_loss = []
    for cats, nums, target in trn_dl:
        optimizer.zero_grad()
        loss = loss_fn(model(cats, nums), target)
        loss.backward()
        optimizer.step()
        trn_loss.append(loss.item())
    scheduler.step()
    model.eval()
    probs, truth = [], []
    with torch.no_grad():
        for cats, nums, target in val_dl:
            probs.append(torch.sigmoid(model(cats, nums)))
            truth.append(target)
    auc = roc_auc_score(torch.cat(truth).numpy(), torch.cat(probs).numpy())
    print(f"epoch {epoch} | lr {scheduler.get_last_lr()[0]:.5f} | trn {np.mean(trn_loss):.4f} | val AUC {auc:.4f}")
