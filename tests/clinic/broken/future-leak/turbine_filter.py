"""TCN for sequence labelling of a turbine signal: value at each step from the past only, no DataLoader."""
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(10)
gen = np.random.default_rng(10)


def series(n, length=128):
    t = np.arange(length)
    x = np.stack([np.sin(t * gen.uniform(.05, .2) + gen.uniform(0, 6)) * gen.uniform(.5, 1.5)
                  + .5 * np.sin(t * gen.uniform(.3, .6) + gen.uniform(0, 6)) for _ in range(n)])
    return torch.tensor(x + gen.normal(0, .1, x.shape), dtype=torch.float32)


class CausalConv(nn.Module):
    def __init__(self, i, o, k, dilation):
        super().__init__()
        self.pad = (k - 1) * dilation
        self.conv = nn.Conv1d(i, o, k, dilation=dilation, padding=self.pad // 2)

    def forward(self, x):
        return self.conv(x)


class TCN(nn.Module):
    def __init__(self, width=24, levels=4):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(levels):
            self.layers.append(nn.Sequential(CausalConv(1 if i == 0 else width, width, 3, 2 ** i), nn.ReLU()))
        self.skip = nn.Conv1d(1, width, 1)
        self.head = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        h = x.unsqueeze(1)
        res = self.skip(h)
        for layer in self.layers:
            h = layer(h)
            res = res + h
        return self.head(res).squeeze(1)


train, val = series(384), series(64)
net = TCN()
opt = torch.optim.Adam(net.parameters(), 2e-3)
for epoch in range(12):
    net.train()
    order = torch.randperm(len(train))
    total = 0
    for i in range(0, len(train), 32):
        batch = train[order[i:i + 32]]
        pred = net(batch[:, :-1])
        loss = ((pred - batch[:, 1:]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        v = ((net(val[:, :-1]) - val[:, 1:]) ** 2).mean().item()
    print(f"{epoch:2d} train {total / 12:.4f} val {v:.4f}")
