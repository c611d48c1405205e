"""Logs of sessions of many lengths; only the newest model input length was kept."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

LONGEST = 16


def sessions(count):
    made = torch.Generator().manual_seed(3)
    rows = []
    for _ in range(count):
        length = int(torch.randint(6, 60, (), generator=made))
        events = torch.randint(1, 40, (length,), generator=made)
        rows.append((events[:LONGEST], int(events[:8].float().mean() > 20)))
    return rows


def collate(rows):
    events, bought = zip(*rows)
    return pad_sequence(events, batch_first=True), torch.tensor(bought)


class Session(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 16, padding_idx=0)
        self.out = nn.Linear(16, 2)

    def forward(self, events):
        seen = (events > 0).unsqueeze(-1)
        return self.out((self.embed(events) * seen).sum(1) / seen.sum(1))


torch.manual_seed(3)
model = Session()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loader = DataLoader(sessions(700), batch_size=35, shuffle=True, collate_fn=collate)
for epoch in range(12):
    for events, bought in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(events), bought)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
