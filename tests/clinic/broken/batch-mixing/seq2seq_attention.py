import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(0)
torch.manual_seed(0)
DIGITS = list("0123456789")
SOS, SIZE = 10, 11


def task(n, length=8):
    """Numbers to be written backwards."""
    x = torch.randint(0, 10, (n, length))
    return x, x.flip(1)


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(SIZE, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))


class BahdanauAttention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2)
        weights = F.softmax(scores, dim=0).unsqueeze(1)
        return torch.bmm(weights, keys)


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(SIZE, hidden)
        self.attention = BahdanauAttention(hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 10)

    def forward(self, memory, state, target):
        token, outputs = torch.full((len(memory), 1), SOS), []
        for t in range(target.shape[1]):
            context = self.attention(state.transpose(0, 1), memory)
            output, state = self.gru(torch.cat([self.embedding(token), context], dim=2), state)
            outputs.append(self.out(output))
            token = target[:, t : t + 1]
        return torch.cat(outputs, dim=1)


class Seq2Seq(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.encoder, self.decoder = Encoder(hidden), Decoder(hidden)

    def forward(self, source, target):
        memory, state = self.encoder(source)
        return self.decoder(memory, state, target)


model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for step in range(400):
    source, target = task(32)
    optimizer.zero_grad()
    logits = model(source, target)
    loss = criterion(logits.reshape(-1, 10), target.reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        right = (logits.argmax(-1) == target).float().mean()
        print(f"{step} loss {loss.item():.3f} acc {right:.3f}")
