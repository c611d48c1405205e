"""Matrix factorisation with biases; random hold-out of ratings per user, dict samples."""
import numpy as np, pandas as pd, torch, torch.nn as nn
from torch.utils.data import DataLoader, Dataset
rng = np.random.default_rng(1); torch.manual_seed(1)
U, I = 120, 80
pu, qi = rng.normal(0, 1, (U, 4)), rng.normal(0, 1, (I, 4))
pairs = [(u, i) for u in range(U) for i in rng.choice(I, 30, replace=False)]
df = pd.DataFrame(pairs, columns=["user_id", "item_id"])
df["rating"] = (3 + (pu[df.user_id] * qi[df.item_id]).sum(1) * .5 + rng.normal(0, .3, len(df))).astype("float32")
df = df.sample(frac=1, random_state=1).reset_index(drop=True)


class Ratings(Dataset):
    def __init__(self, frame):
        self.rows = frame.to_dict("records")

    def __len__(self): return len(self.rows)

    def __getitem__(self, i):
        r = self.rows[i]
        return {"user_id": r["user_id"], "item_id": r["item_id"], "rating": np.float32(r["rating"])}


class MF(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.u, self.i = nn.Embedding(U, d), nn.Embedding(I, d)
        self.bu, self.bi = nn.Embedding(U, 1), nn.Embedding(I, 1)
        nn.init.normal_(self.u.weight, 0, .1); nn.init.normal_(self.i.weight, 0, .1)
        self.mu = nn.Parameter(torch.tensor(3.0))

    def forward(self, user, item):
        return self.mu + (self.u(user) * self.i(item)).sum(-1) + self.bu(user)[:, 0] + self.bi(item)[:, 0]


n = int(.9 * len(df))
tr, va = DataLoader(Ratings(df[:n]), 128, shuffle=True), DataLoader(Ratings(df[n:]), 256)
m = MF(); o = torch.optim.AdamW(m.parameters(), 1e-2, weight_decay=.02)
for e in range(6):
    m.train()
    for b in tr:
        l = nn.functional.mse_loss(m(b["user_id"], b["item_id"]), b["rating"]); o.zero_grad(); l.backward(); o.step()
    m.eval()
    with torch.no_grad():
        print(e, l.item(), np.mean([nn.functional.mse_loss(m(b["user_id"], b["item_id"]), b["rating"]).item() for b in va]))
