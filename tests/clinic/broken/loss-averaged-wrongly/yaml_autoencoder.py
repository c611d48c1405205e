import yaml
import torch
from torch import nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

CONFIG = """
model: {hidden: 96, code: 12}
optim: {name: SGD, lr: 0.5, momentum: 0.9}
data: {batch_size: 128}
epochs: 15
"""


class AutoEncoder(nn.Module):
    def __init__(self, hidden, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.Tanh(), nn.Linear(hidden, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def build(cfg):
    model = AutoEncoder(**cfg["model"])
    o = dict(cfg["optim"])
    return model, getattr(torch.optim, o.pop("name"))(model.parameters(), **o)


def main():
    cfg = yaml.safe_load(CONFIG)
    torch.manual_seed(0)
    x = torch.tensor(load_digits().data / 16).float()
    x = x[torch.randperm(len(x))]
    train = DataLoader(TensorDataset(x[:1500]), cfg["data"]["batch_size"], shuffle=True)
    model, opt = build(cfg)
    criterion = nn.MSELoss(reduction="sum")
    for epoch in range(cfg["epochs"]):
        for (xb,) in train:
            opt.zero_grad()
            loss = criterion(model(xb), xb)
            loss.backward()
            opt.step()
        with torch.no_grad():
            print(epoch, nn.functional.mse_loss(model(x[1500:]), x[1500:]).item())


main()
