"""Roles of accounts in a payment network: attention over neighbours, masks in the graph object."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Graph:
    def __init__(self, accounts=600, roles=4, seed=3):
        rng = np.random.default_rng(seed)
        role = rng.integers(0, roles, accounts)
        chance = np.where(role[:, None] == role[None], 0.03, 0.005)
        links = np.triu(rng.random((accounts, accounts)) < chance, 1)
        source, target = np.nonzero(links | links.T)
        self.edge_index = torch.from_numpy(np.stack([source, target]))
        centre = rng.normal(0, 1, (roles, 16))
        self.x = torch.tensor(centre[role] * 0.6 + rng.normal(0, 1, (accounts, 16)), dtype=torch.float32)
        self.y = torch.from_numpy(role)
        order = torch.from_numpy(rng.permutation(accounts))
        self.train_mask, self.val_mask, self.test_mask = (torch.zeros(accounts, dtype=torch.bool) for _ in range(3))
        self.train_mask[order[:360]] = True
        self.val_mask[order[300:420]] = True
        self.test_mask[order[420:]] = True


class NeighbourAttention(nn.Module):
    def __init__(self, width_in, width_out):
        super().__init__()
        self.own, self.other = nn.Linear(width_in, width_out), nn.Linear(width_in, width_out)
        self.score = nn.Linear(2 * width_out, 1)

    def forward(self, x, edges):
        source, target = edges
        a, b = self.own(x), self.other(x)
        raw = F.leaky_relu(self.score(torch.cat([a[target], b[source]], 1)), 0.2).squeeze(1)
        weight = torch.exp(raw - raw.max())
        total = torch.zeros(len(x)).index_add(0, target, weight)
        return a + torch.zeros_like(a).index_add(0, target, b[source] * (weight / total[target])[:, None])


class RoleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = NeighbourAttention(16, 32), NeighbourAttention(32, 4)

    def forward(self, x, edges):
        return F.log_softmax(self.second(F.elu(self.first(x, edges)), edges), dim=-1)


torch.manual_seed(0)
data, model = Graph(), RoleNet()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)


@torch.no_grad()
def test():
    model.eval()
    pred = model(data.x, data.edge_index).argmax(dim=-1)
    return [(pred[m] == data.y[m]).float().mean().item() for m in (data.train_mask, data.val_mask, data.test_mask)]


for epoch in range(1, 61):
    model.train()
    optimizer.zero_grad()
    out = model(data.x, data.edge_index)
    loss = F.nll_loss(out[data.train_mask], data.y[data.train_mask])
    loss.backward()
    optimizer.step()
    train, val, held = test()
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d} loss {loss:.4f} train {train:.3f} val {val:.3f} test {held:.3f}")
