import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

torch.manual_seed(13)


def spirals(n):
    kind = torch.randint(0, 2, (n,))
    t = torch.sqrt(torch.rand(n)) * 9
    x = torch.stack([t * torch.cos(t + 3.1416 * kind), t * torch.sin(t + 3.1416 * kind)], 1) / 5
    return TensorDataset(x + 0.05 * torch.randn(n, 2), kind)


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList()
        for a, b in zip(sizes[:-1], sizes[1:]):
            self.layers.append(nn.Linear(a, b))
            self.layers.append(nn.BatchNorm1d(b))
        self.activation = nn.SiLU()

    def forward(self, x):
        for layer in self.layers[:-2]:
            x = layer(x)
        return self.layers[-2](x)


model = MLP([2, 64, 64, 64, 2])
loader = DataLoader(spirals(2000), batch_size=64, shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(8):
    right = 0
    for xb, yb in tqdm(loader, disable=True):
        scores = model(xb)
        loss = nn.functional.cross_entropy(scores, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.argmax(1) == yb).sum().item()
    print(epoch, right / 2000)
