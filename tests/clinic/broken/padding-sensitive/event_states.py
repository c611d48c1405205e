"""Sensor event sequences (variable length) -> machine state, transformer encoder with padding mask."""
import numpy as np, torch, torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(17); torch.manual_seed(17)


class EventLog(Dataset):
    def __init__(self, size):
        self.samples = []
        for _ in range(size):
            state = int(rng.integers(0, 3)); n = int(rng.integers(10, 45))
            t = np.arange(n)
            freq = [0.25, 0.55, 0.9][state]
            sig = np.stack([np.sin(freq * t + rng.uniform(0, 6)), np.cos(0.3 * t + rng.uniform(0, 6)),
                            rng.normal(0, 1, n), np.sign(np.sin(freq * t * 1.5 + rng.uniform(0, 6)))], 1)
            self.samples.append((sig + rng.normal(0, 0.35, sig.shape), state))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, k):
        s, y = self.samples[k]
        return torch.as_tensor(s, dtype=torch.float32), y


def pad_batch(items):
    lens = torch.tensor([len(s) for s, _ in items])
    x = torch.zeros(len(items), int(lens.max()), 4)
    for i, (s, _) in enumerate(items):
        x[i, : len(s)] = s
    valid = torch.arange(x.size(1))[None] < lens[:, None]
    return x, valid, torch.tensor([y for _, y in items])


class StateModel(nn.Module):
    def __init__(self, width=48, n_layers=2):
        super().__init__()
        self.inp = nn.Conv1d(4, width, 5, padding=2)
        self.register_buffer("pe", self._pe(64, width))
        self.layers = nn.ModuleList([nn.TransformerEncoderLayer(width, 4, 96, 0.1, batch_first=True, norm_first=True)
                                     for _ in range(n_layers)])
        self.norm = nn.LayerNorm(width)
        self.cls = nn.Linear(width, 3)

    @staticmethod
    def _pe(n, d):
        p = torch.arange(n)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
        return torch.stack([p.sin(), p.cos()], -1).flatten(1)

    def forward(self, x, valid):
        h = self.inp(x.transpose(1, 2)).transpose(1, 2) + self.pe[: x.size(1)]
        h = h * valid.unsqueeze(-1)
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=valid)
        h = self.norm(h) * valid.unsqueeze(-1)
        return self.cls(h.sum(1) / valid.sum(1, keepdim=True))


def evaluate(m, loader):
    m.eval()
    c = n = 0
    with torch.inference_mode():
        for x, v, y in loader:
            c += (m(x, v).argmax(1) == y).sum().item(); n += len(y)
    return c / n


tr = DataLoader(EventLog(700), 32, shuffle=True, collate_fn=pad_batch, drop_last=True)
va = DataLoader(EventLog(150), 50, collate_fn=pad_batch)
m = StateModel()
o = torch.optim.AdamW(m.parameters(), lr=1e-3)
for e in range(5):
    m.train()
    for x, v, y in tr:
        loss = nn.functional.cross_entropy(m(x, v), y)
        o.zero_grad(set_to_none=True); loss.backward(); o.step()
    print("epoch", e, "loss %.3f" % loss.item(), "val acc %.3f" % evaluate(m, va))
