import random

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(8)
torch.manual_seed(8)
GOOD = "great superb lovely fresh kind tasty".split()
BAD = "awful stale rude cold slow bland".split()
PLAIN = "the food was and we came table with menu at noon our waiter plate soup again".split()
words = {w: i + 1 for i, w in enumerate(GOOD + BAD + PLAIN)}


def review():
    mood = random.random() < 0.5
    text = random.choices(PLAIN, k=random.randint(3, 30)) + random.choices(GOOD if mood else BAD, k=2)
    random.shuffle(text)
    return torch.tensor([words[w] for w in text]), int(mood)


def collate(rows):
    return {
        "ids": pad_sequence([r[0] for r in rows], batch_first=True),
        "mood": torch.tensor([r[1] for r in rows]),
    }


class Net(nn.Module):
    def __init__(self, vocab, width=32):
        super().__init__()
        self.embed = nn.Embedding(vocab + 1, width, padding_idx=0)
        self.conv = nn.Conv1d(width, width, 1)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2)

    def forward(self, ids):
        x = self.embed(ids)
        x = torch.relu(self.conv(x.transpose(1, 2)).transpose(1, 2))
        x = self.norm(x)
        pooled = x.mean(dim=1)
        return self.out(pooled)


accelerator = Accelerator(cpu=True)
net = Net(len(words))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
train = DataLoader([review() for _ in range(1200)], 32, shuffle=True, collate_fn=collate)
valid = DataLoader([review() for _ in range(300)], 32, collate_fn=collate)
net, optimizer, train, valid = accelerator.prepare(net, optimizer, train, valid)
for epoch in range(4):
    net.train()
    for batch in train:
        loss = nn.functional.cross_entropy(net(batch["ids"]), batch["mood"])
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    net.eval()
    hits = 0
    with torch.no_grad():
        for batch in valid:
            hits += (net(batch["ids"]).argmax(-1) == batch["mood"]).sum().item()
    accelerator.print(epoch, loss.item(), hits / 300)
