"""Semi-supervised node classification on a stochastic block model, graph convolutions written by hand."""

import argparse
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=42)
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--weight_decay", type=float, default=5e-4)
parser.add_argument("--hidden", type=int, default=24)
parser.add_argument("--dropout", type=float, default=0.5)
args = parser.parse_args()
np.random.seed(args.seed)
torch.manual_seed(args.seed)


def load_data(n=600, classes=4, feats=40):
    labels = np.random.randint(0, classes, n)
    prob = np.where(labels[:, None] == labels[None], 0.035, 0.006)
    adj = np.triu(np.random.rand(n, n) < prob, 1)
    adj = (adj | adj.T).astype(np.float32)
    topics = np.random.rand(classes, feats) < 0.3
    features = np.random.rand(n, feats) < np.where(topics[labels], 0.22, 0.12)
    features = features.astype(np.float32)
    features /= np.maximum(features.sum(1, keepdims=True), 1)
    a_hat = adj + np.eye(n, dtype=np.float32)
    d = a_hat.sum(1) ** -0.5
    norm_adj = torch.from_numpy(d[:, None] * a_hat * d[None])
    order = np.random.permutation(n)
    idx_train, idx_val, idx_test = (torch.from_numpy(i) for i in np.split(order, [200, 350]))
    return norm_adj, torch.from_numpy(features), torch.from_numpy(labels), idx_train, idx_val, idx_test


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return torch.mm(adj, torch.mm(x, self.weight)) + self.bias


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


adj, features, labels, idx_train, idx_val, idx_test = load_data()
model = GCN(features.shape[1], args.hidden, int(labels.max()) + 1, args.dropout)
optimizer = optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)


def train(epoch):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    loss_train.backward()
    optimizer.step()

    model.eval()
    with torch.no_grad():
        output = model(features, adj)
        loss_val = F.nll_loss(output[idx_val], labels[idx_val])
        acc_val = (output[idx_val].argmax(1) == labels[idx_val]).float().mean()
    if epoch % 20 == 0:
        print(f"Epoch: {epoch:04d} loss_train: {loss_train.item():.4f} loss_val: {loss_val.item():.4f} acc_val: {acc_val.item():.4f}")


def test():
    model.eval()
    with torch.no_grad():
        output = model(features, adj)
    acc = (output[idx_test].argmax(1) == labels[idx_test]).float().mean()
    print(f"Test set results: accuracy= {acc.item():.4f}")


t_total = time.time()
for epoch in range(1, args.epochs + 1):
    train(epoch)
print(f"Total time elapsed: {time.time() - t_total:.2f}s")
test()
