import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(1)
torch.manual_seed(1)
NOTES = "C D E F G A H".split()
KINDS = ["rest", "up", "down", "same"]


def melody(length=20):
    pitch, out, tags = 3, [], []
    for _ in range(length):
        move = random.choice([-1, 0, 1])
        new = min(6, max(0, pitch + move))
        out.append(new)
        tags.append(1 if new > pitch else 2 if new < pitch else 3)
        pitch = new
    return {"notes": torch.tensor(out), "tags": torch.tensor(tags)}


class Tagger(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.hidden = hidden
        self.embed = nn.Embedding(len(NOTES), 16)
        self.rnn = nn.GRU(16, hidden, bidirectional=True)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(2 * hidden, len(KINDS))

    def forward(self, batch):
        notes = batch["notes"]
        size, length = notes.shape
        states, _ = self.rnn(self.embed(notes).transpose(0, 1))
        states = states.view(size, length, 2 * self.hidden)
        return self.out(self.dropout(states))


def run(model, loader, optimizer=None):
    total = right = count = 0
    model.train(optimizer is not None)
    for batch in loader:
        with torch.set_grad_enabled(optimizer is not None):
            scores = model(batch)
            loss = nn.functional.cross_entropy(scores.transpose(1, 2), batch["tags"])
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
        right += (scores.argmax(-1) == batch["tags"]).sum().item()
        count += batch["tags"].numel()
    return total / len(loader), right / count


train = DataLoader([melody() for _ in range(800)], batch_size=32, shuffle=True)
valid = DataLoader([melody() for _ in range(160)], batch_size=32)
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(4):
    print(epoch, run(model, train, optimizer), run(model, valid))
