"""Emotion from padded filterbanks: BiGRU without packing, masked mean; and lengths in the batch."""
import numpy as np, torch, torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
np.random.seed(3); torch.manual_seed(3)


class Clips(Dataset):
    def __init__(self, n):
        self.y = np.random.randint(0, 4, n)
        self.x = []
        for k in self.y:
            L = np.random.randint(25, 70); t = np.arange(L)[:, None]
            self.x.append(torch.tensor(np.sin(t * (.1 + .12 * k) + np.arange(16) * .3) + np.random.randn(L, 16) * .8, dtype=torch.float32))

    def __len__(self): return len(self.y)

    def __getitem__(self, i): return self.x[i], int(self.y[i])


def collate(b):
    return pad_sequence([x for x, _ in b], batch_first=True), torch.tensor([len(x) for x, _ in b]), torch.tensor([y for _, y in b])


class Emo(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU())
        self.gru = nn.GRU(32, 24, batch_first=True, bidirectional=True)
        self.att = nn.Linear(48, 1)
        self.fc = nn.Linear(48, 4)

    def forward(self, x, lengths):
        h, _ = self.gru(self.conv(x.transpose(1, 2)).transpose(1, 2))
        pad = torch.arange(h.size(1), device=x.device)[None] >= lengths[:, None]
        a = self.att(h).squeeze(-1).masked_fill(pad, -1e9).softmax(1)
        return self.fc((a.unsqueeze(1) @ h).squeeze(1))


tr, va = DataLoader(Clips(600), 24, shuffle=True, collate_fn=collate), DataLoader(Clips(120), 40, collate_fn=collate)
m = Emo(); o = torch.optim.Adam(m.parameters(), 2e-3)
for e in range(4):
    m.train()
    for x, l, y in tr:
        loss = nn.functional.cross_entropy(m(x, l), y); o.zero_grad(); loss.backward(); o.step()
    m.eval()
    with torch.no_grad():
        print(e, loss.item(), sum((m(x, l).argmax(1) == y).sum().item() for x, l, y in va) / 120)
