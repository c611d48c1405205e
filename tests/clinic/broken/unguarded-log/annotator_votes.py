"""Learn the distribution of votes that five annotators gave each picture."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split


def vote(labels, annotators=5, slip=0.15, classes=10):
    votes = torch.zeros(len(labels), classes)
    for _ in range(annotators):
        seen = torch.where(torch.rand(len(labels)) < slip, torch.randint(classes, (len(labels),)), labels)
        votes[torch.arange(len(labels)), seen] += 1
    return votes / annotators


class VoteNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(24 * 4, classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1)).softmax(dim=1)


def divergence(target, predicted):
    return (target * torch.log(target / predicted)).sum(dim=1).mean()


def train_epoch(net, loader, optimizer):
    net.train()
    for images, votes in loader:
        optimizer.zero_grad()
        loss = divergence(votes, net(images))
        loss.backward()
        optimizer.step()
    return loss.item()


@torch.no_grad()
def agreement(net, loader):
    net.eval()
    hits = [(net(images).argmax(1) == votes.argmax(1)).float().mean() for images, votes in loader]
    return torch.stack(hits).mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-b", "--batch-size", type=int, default=60)
    parser.add_argument("-e", "--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=3e-3)
    options = parser.parse_args()
    torch.manual_seed(15)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    dataset = TensorDataset(images, vote(torch.tensor(digits.target)))
    training, holdout = random_split(dataset, [1500, len(dataset) - 1500])
    training_loader = DataLoader(training, options.batch_size, shuffle=True)
    holdout_loader = DataLoader(holdout, 99)
    net = VoteNet()
    optimizer = optim.Adam(net.parameters(), lr=options.lr)
    for epoch in range(options.epochs):
        loss = train_epoch(net, training_loader, optimizer)
        print(f"epoch {epoch} divergence {loss:.4f} agreement {agreement(net, holdout_loader):.3f}")
