"""Digits kept as bytes; the step scales them before the network."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))

    def forward(self, pictures):
        return self.net(pictures.float())


def train_step(model, optimizer, pictures, labels):
    pictures = pictures // 255
    loss = nn.functional.cross_entropy(model(pictures), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


torch.manual_seed(0)
digits = load_digits()
pictures = torch.tensor(digits.images * 15).to(torch.uint8)
labels = torch.tensor(digits.target)
loader = DataLoader(TensorDataset(pictures[:1400], labels[:1400]), batch_size=35, shuffle=True)
model = Digits()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    losses = [train_step(model, optimizer, *batch) for batch in loader]
    print(epoch, sum(losses) / len(losses))
