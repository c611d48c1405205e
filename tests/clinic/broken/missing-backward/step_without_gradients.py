import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(73)


class ResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.lin1, self.lin2 = nn.LayerNorm(dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x):
        return x + self.lin2(F.gelu(self.lin1(self.norm(x))))


class ParityLikeNet(nn.Module):
    def __init__(self, d_in=10, dim=48, n_out=3):
        super().__init__()
        self.inp = nn.Linear(d_in, dim)
        self.block1, self.block2 = ResidualBlock(dim), ResidualBlock(dim)
        self.out = nn.Linear(dim, n_out)

    def forward(self, x):
        return self.out(self.block2(self.block1(self.inp(x))))


def training_step(model, batch):
    x, y = batch
    logits = model(x)
    return {"loss": F.cross_entropy(logits, y), "hits": (logits.argmax(1) == y).sum()}


def evaluation(model, loader):
    model.eval()
    with torch.no_grad():
        return sum(training_step(model, batch)["hits"].item() for batch in loader) / len(loader.dataset)


x = torch.randn(1500, 10)
score = x[:, 0] * x[:, 1] + x[:, 2] + 0.2 * torch.randn(1500)
y = (score > -0.6).long() + (score > 0.6).long()
train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), 40, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), 100)
model = ParityLikeNet()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=8)
for epoch in range(8):
    model.train()
    for batch in train_loader:
        opt.zero_grad()
        loss = training_step(model, batch)["loss"]
        opt.step()
    sched.step()
    print(f"epoch {epoch} loss {loss.item():.4f} valid accuracy {evaluation(model, valid_loader):.4f}")
