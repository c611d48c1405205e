"""Word-level LSTM language model with hidden state carried (and detached) between windows."""

import math

import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(1111)
rng = np.random.default_rng(1111)
bsz, bptt, epochs, clip = 16, 20, 5, 0.5

nouns = ["cat", "dog", "king", "ship", "clock", "garden", "judge", "wolf", "baker", "storm"]
adjs = ["red", "loud", "small", "clever", "late", "cold"]
trans = {"cat": "chased", "dog": "chased", "king": "ruled", "judge": "judged", "wolf": "hunted", "baker": "fed"}
intrans = {"ship": "sank", "clock": "stopped", "garden": "bloomed", "storm": "passed"}


def clause():
    s = rng.choice(nouns)
    out = ["the"] + ([rng.choice(adjs)] if rng.random() < 0.5 else []) + [s]
    if s in trans:
        out += [trans[s], "the"] + ([rng.choice(adjs)] if rng.random() < 0.4 else []) + [rng.choice(nouns)]
    else:
        out += [intrans[s]] + (["slowly"] if rng.random() < 0.3 else [])
    return out + [rng.choice(["and", ".", "."])]


def tokens(n):
    words = []
    while len(words) < n:
        words += clause()
    return [str(w) for w in words[:n]]


train_words, valid_words = tokens(20000), tokens(3000)
vocab = {w: i for i, w in enumerate(sorted(set(train_words)))}


def batchify(words, bsz):
    ids = torch.tensor([vocab[w] for w in words])
    nbatch = len(ids) // bsz
    return ids[: nbatch * bsz].view(bsz, -1).t().contiguous()


train_data, val_data = batchify(train_words, bsz), batchify(valid_words, 10)


def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp=32, nhid=64):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)
        self.nhid = nhid

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
        return self.decoder(self.drop(output)).view(-1, self.decoder.out_features), hidden

    def init_hidden(self, bsz):
        return torch.zeros(1, bsz, self.nhid), torch.zeros(1, bsz, self.nhid)


model = RNNModel(len(vocab))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def evaluate(data_source):
    model.eval()
    total_loss = 0.0
    hidden = model.init_hidden(10)
    with torch.no_grad():
        for i in range(0, data_source.size(0) - 1, bptt):
            data, targets = get_batch(data_source, i)
            output, hidden = model(data, hidden)
            total_loss += len(data) * criterion(output, targets).item()
            hidden = repackage_hidden(hidden)
    return total_loss / (len(data_source) - 1)


print(f"before training: valid ppl {math.exp(evaluate(val_data)):.2f}, vocabulary {len(vocab)}")
for epoch in range(1, epochs + 1):
    model.train()
    hidden = model.init_hidden(bsz)
    total_loss, n_steps = 0.0, 0
    for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
        data, targets = get_batch(train_data, i)
        model.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total_loss += len(data) * loss.item()
        n_steps += len(data)
    print(f"| epoch {epoch} | train loss {total_loss / n_steps:.3f} | valid ppl {math.exp(evaluate(val_data)):.2f}")
