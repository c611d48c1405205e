import random

import numpy as np
import torch
from torch import nn

random.seed(3)
torch.manual_seed(3)

TOPICS = {
    "refund": "refund money back charge card paid twice invoice billing".split(),
    "shipping": "parcel late courier tracking address delivery shipped lost box".split(),
    "login": "password reset login account locked email code sign two factor".split(),
    "crash": "app crash freeze screen update phone error black restart bug".split(),
    "cancel": "cancel subscription end plan stop renew month trial downgrade".split(),
}
FILLER = "i the my please can you help with it and was is not to of have been today again".split()
WORDS = sorted({w for ws in TOPICS.values() for w in ws} | set(FILLER))
INDEX = {w: i + 1 for i, w in enumerate(WORDS)}


def ticket(topic):
    words = random.choices(TOPICS[topic], k=4) + random.choices(FILLER, k=5)
    random.shuffle(words)
    return [INDEX[w] for w in words]


def draw(n):
    names = list(TOPICS)
    anchor, positive = [], []
    for _ in range(n):
        topic = random.choice(names)
        anchor.append(ticket(topic))
        positive.append(ticket(topic))
    return torch.tensor(anchor), torch.tensor(positive)


class TicketEncoder(nn.Module):
    def __init__(self, vocab, dim=48):
        super().__init__()
        self.embedding = nn.Embedding(vocab + 1, dim, padding_idx=0)
        self.gru = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * dim, 32)

    def forward(self, ids):
        states, _ = self.gru(self.embedding(ids))
        return torch.tanh(self.out(states.mean(1)))


class Run:
    def __init__(self):
        self.net = TicketEncoder(len(WORDS))
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=2e-3)
        self.history = []

    def step(self):
        anchor, positive = draw(48)
        gap = (self.net(anchor) - self.net(positive)).pow(2).sum(1)
        loss = gap.mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.history.append(loss.item())

    def fit(self, steps):
        for step in range(steps):
            self.step()
            if step % 50 == 0:
                print(f"step {step} gap {np.mean(self.history[-50:]):.5f}")


run = Run()
run.fit(500)
with torch.no_grad():
    bank = {t: run.net(torch.tensor([ticket(t) for _ in range(30)])).mean(0) for t in TOPICS}
    tests = [(t, run.net(torch.tensor([ticket(t)]))[0]) for t in TOPICS for _ in range(20)]
right = sum(min(bank, key=lambda k: (bank[k] - z).norm()) == t for t, z in tests)
print("nearest topic", right / len(tests))
