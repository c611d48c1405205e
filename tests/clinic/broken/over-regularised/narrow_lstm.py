import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=16)
parser.add_argument("--dropout", type=float, default=0.9)
parser.add_argument("--weight-decay", type=float, default=0.1)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()


class Net(nn.Module):
    def __init__(self, hidden, p):
        super().__init__()
        self.emb = nn.Embedding(200, 32)
        self.drop = nn.Dropout(p)
        self.rnn = nn.LSTM(32, hidden, batch_first=True)
        self.fc1 = nn.Linear(hidden, 32)
        self.fc2 = nn.Linear(32, 2)

    def forward(self, ids):
        h, _ = self.rnn(self.drop(self.emb(ids)))
        return self.fc2(self.drop(torch.relu(self.fc1(self.drop(h.mean(1))))))


torch.manual_seed(2)
ids = torch.randint(0, 200, (1000, 25))
labels = (ids < 100).float().mean(1).gt(0.5).long()
train = DataLoader(TensorDataset(ids[:800], labels[:800]), batch_size=40, shuffle=True)
valid = DataLoader(TensorDataset(ids[800:], labels[800:]), batch_size=100)
net = Net(args.hidden, args.dropout)
optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=args.weight_decay)
for epoch in range(8):
    net.train()
    for x, y in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = sum((net(x).argmax(1) == y).sum().item() for x, y in valid)
    print(f"epoch {epoch}: validation accuracy {hits / 200:.3f}")
