"""Spoken command classification: MFCC-like sequences, LSTM, last output."""
import numpy as np, torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

np.random.seed(55); torch.manual_seed(55)
WORDS = ["yes", "no", "left", "right", "stop"]


def tone(k, n):
    t = np.linspace(0, 1, n)[:, None]
    base = np.sin(2 * np.pi * (k + 1) * t * np.arange(1, 14) / 6) + 0.5 * np.cos((k * 1.7 + 1) * t * np.arange(13, 0, -1))
    return base + np.random.randn(n, 13) * 0.5


class Commands(Dataset):
    def __init__(self, n):
        self.y = np.random.randint(0, len(WORDS), n)
        self.x = [tone(k, np.random.choice([12, 18, 25, 40, 60])).astype(np.float32) for k in self.y]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class PadCollate:
    def __call__(self, batch):
        lens = [len(x) for x, _ in batch]
        out = np.zeros((len(batch), max(lens), 13), dtype=np.float32)
        for i, (x, _) in enumerate(batch):
            out[i, :len(x)] = x
        return torch.from_numpy(out), torch.tensor(lens), torch.tensor([int(y) for _, y in batch])


class CommandLSTM(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.norm = nn.LayerNorm(13)
        self.lstm = nn.LSTM(13, hidden, num_layers=1, batch_first=True)
        self.cls = nn.Linear(hidden, len(WORDS))

    def forward(self, x, lens):
        out, _ = self.lstm(self.norm(x))
        last = out[:, -1]
        return self.cls(last)


def train_one(model, loader, opt, crit):
    model.train()
    s = 0.
    for x, l, y in loader:
        opt.zero_grad()
        loss = crit(model(x, l), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        opt.step()
        s += loss.item()
    return s / len(loader)


def main():
    tr = DataLoader(Commands(600), batch_size=24, shuffle=True, collate_fn=PadCollate())
    va = DataLoader(Commands(120), batch_size=40, collate_fn=PadCollate())
    model, crit = CommandLSTM(), nn.CrossEntropyLoss()
    opt = optim.Adam(model.parameters(), 4e-3)
    for ep in range(7):
        tl = train_one(model, tr, opt, crit)
        model.eval()
        with torch.no_grad():
            acc = np.mean(np.concatenate([(model(x, l).argmax(1) == y).numpy() for x, l, y in va]))
        print(ep, round(tl, 3), round(float(acc), 3))


main()
