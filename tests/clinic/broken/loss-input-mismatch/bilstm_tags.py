import random
import torch
from torch import nn
from torch.utils.data import DataLoader

NOUN, VERB, ADJ, DET, END = range(5)
LEX = {
    DET: range(1, 4),
    ADJ: range(4, 20),
    NOUN: range(20, 60),
    VERB: range(50, 80),
    END: range(80, 82),
}


def phrase(r):
    seq = [DET]
    seq += [ADJ] * r.randint(0, 2)
    return seq + [NOUN]


def sample(r):
    tags = phrase(r) + [VERB] + phrase(r) + [END]
    return [r.choice(LEX[t]) for t in tags], tags


def batchify(rows):
    L = max(len(w) for w, _ in rows)
    words = torch.zeros(len(rows), L, dtype=torch.long)
    tags = torch.full((len(rows), L), -1)
    for i, (w, t) in enumerate(rows):
        words[i, : len(w)] = torch.tensor(w)
        tags[i, : len(t)] = torch.tensor(t)
    return words, tags


class Tagger(nn.Module):
    def __init__(self, vocab=82, d=32, n_tags=5):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d, padding_idx=0)
        self.rnn = nn.LSTM(d, d, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * d, n_tags)

    def forward(self, words):
        out, _ = self.rnn(self.embedding(words))
        return self.fc(out)


def loss_fn(scores, tags, criterion):
    n, t, c = scores.shape
    return criterion(scores.view(n, c, t), tags)


def evaluate(model, loader):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for w, t in loader:
            keep = t >= 0
            ok += ((model(w).argmax(-1) == t) & keep).sum().item()
            n += keep.sum().item()
    model.train()
    return ok / n


if __name__ == "__main__":
    torch.manual_seed(2)
    r = random.Random(2)
    data = [sample(r) for _ in range(1500)]
    train = DataLoader(data[:1200], batch_size=32, shuffle=True, collate_fn=batchify)
    dev = DataLoader(data[1200:], batch_size=100, collate_fn=batchify)
    model = Tagger()
    criterion = nn.CrossEntropyLoss(ignore_index=-1)
    optim = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(6):
        for words, tags in train:
            loss = loss_fn(model(words), tags, criterion)
            optim.zero_grad()
            loss.backward()
            optim.step()
        print(epoch, loss.item(), evaluate(model, dev))
