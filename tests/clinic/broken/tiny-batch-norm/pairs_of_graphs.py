import numpy as np
import torch
from torch import nn

torch.manual_seed(10)
rng = np.random.default_rng(10)


def molecule(toxic):
    n = rng.integers(6, 14)
    adjacency = np.triu(rng.random((n, n)) < (0.45 if toxic else 0.25), 1)
    adjacency = (adjacency | adjacency.T).astype(np.float32) + np.eye(n, dtype=np.float32)
    atoms = np.eye(4, dtype=np.float32)[rng.integers(0, 4, n)]
    norm = adjacency / adjacency.sum(1, keepdims=True)
    return torch.tensor(norm), torch.tensor(np.c_[atoms, adjacency.sum(1) / 5].astype(np.float32)), int(toxic)


class GraphLayer(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.own, self.around = nn.Linear(inner, outer), nn.Linear(inner, outer)

    def forward(self, adjacency, x):
        return torch.relu(self.own(x) + self.around(adjacency @ x))


class ToxNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.layers = nn.ModuleList([GraphLayer(5, width), GraphLayer(width, width)])
        self.readout = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, graphs):
        pooled = []
        for adjacency, x, _ in graphs:
            for layer in self.layers:
                x = layer(adjacency, x)
            pooled.append(x.mean(0))
        return self.readout(torch.stack(pooled))


data = [molecule(rng.random() < 0.5) for _ in range(600)]
train, test = data[:480], data[480:]
net = ToxNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(4):
    net.train()
    order = rng.permutation(len(train))
    for start in range(0, len(order), 2):
        batch = [train[i] for i in order[start : start + 2]]
        loss = nn.functional.cross_entropy(net(batch), torch.tensor([g[2] for g in batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = (net(test).argmax(1) == torch.tensor([g[2] for g in test])).float().mean()
    print(epoch, round(loss.item(), 3), round(hits.item(), 3))
