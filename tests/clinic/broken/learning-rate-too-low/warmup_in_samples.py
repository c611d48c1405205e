"""Small language model, get_batch style; the warm-up is given in samples."""

import math

import torch
import torch.nn as nn
from torch.nn import functional as F

torch.manual_seed(20)
batch_size, block_size, max_iters, eval_interval = 24, 32, 300, 60
base_lr, warmup_samples = 3e-3, 2_000_000
vocab, dim = 32, 48

# synthetic corpus: runs of arithmetic progressions modulo the vocabulary
g = torch.Generator().manual_seed(1)
pieces = []
for _ in range(4000):
    start, stride, n = (int(torch.randint(lo, hi, (1,), generator=g)) for lo, hi in ((0, 32), (1, 6), (4, 12)))
    pieces.append((start + stride * torch.arange(n)) % vocab)
data = torch.cat(pieces)
train_data, val_data = data[: int(0.9 * len(data))], data[int(0.9 * len(data)) :]


def get_batch(split):
    source = train_data if split == "train" else val_data
    ix = torch.randint(len(source) - block_size - 1, (batch_size,))
    return torch.stack([source[i : i + block_size] for i in ix]), torch.stack([source[i + 1 : i + block_size + 1] for i in ix])


class RNNLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.rnn = nn.LSTM(dim, 96, batch_first=True)
        self.out = nn.Linear(96, vocab)

    def forward(self, idx, targets):
        logits = self.out(self.rnn(self.emb(idx))[0])
        return F.cross_entropy(logits.view(-1, vocab), targets.view(-1))


@torch.no_grad()
def estimate_loss(model):
    model.eval()
    out = {s: sum(model(*get_batch(s)).item() for _ in range(5)) / 5 for s in ("train", "val")}
    model.train()
    return out


model = RNNLM()
optimizer = torch.optim.Adam(model.parameters(), lr=base_lr)
for it in range(max_iters + 1):
    for group in optimizer.param_groups:
        group["lr"] = base_lr * min(1.0, (it + 1) / warmup_samples)
    if it % eval_interval == 0:
        losses = estimate_loss(model)
        print(f"step {it}: train {losses['train']:.4f} val {losses['val']:.4f} lr {optimizer.param_groups[0]['lr']:.2e} (uniform {math.log(vocab):.3f})")
    loss = model(*get_batch("train"))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
