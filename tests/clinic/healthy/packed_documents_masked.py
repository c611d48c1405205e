import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1337)


@dataclass
class GPTConfig:
    block_size: int = 48
    vocab_size: int = 26
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 48


class PackedLines(Dataset):
    """Lines of countdown texts; several fill one row."""

    def __init__(self, rows, block_size):
        self.block_size = block_size
        self.rows = [self.fill() for _ in range(rows)]

    def line(self):
        start, step = torch.randint(2, 26, (1,)), torch.randint(1, 4, (1,))
        length = int(torch.randint(9, 16, (1,)))
        body = 2 + (start - 2 + step * torch.arange(length)) % 24
        return torch.cat([torch.tensor([0]), body, torch.tensor([1])])

    def fill(self):
        ids, segments, count = [], [], 0
        while sum(map(len, ids)) < self.block_size + 1:
            ids.append(self.line())
            segments.append(torch.full((len(ids[-1]),), count))
            count += 1
        return torch.cat(ids)[: self.block_size + 1], torch.cat(segments)[: self.block_size + 1]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        ids, document = self.rows[i]
        targets = ids[1:].clone()
        targets[document[1:] != document[:-1]] = -1
        return {"input_ids": ids[:-1], "document_ids": document[:-1], "targets": targets}


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.qkv = nn.Linear(c.n_embd, 3 * c.n_embd)
        self.proj = nn.Linear(c.n_embd, c.n_embd)
        self.n_head = c.n_head

    def forward(self, x, allowed):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.n_head, -1).transpose(1, 2) for t in self.qkv(x).split(C, dim=2))
        att = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        att = att.masked_fill(~allowed, float("-inf")).softmax(-1)
        return self.proj((att @ v).transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.attn = SelfAttention(c)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))

    def forward(self, x, allowed):
        x = x + self.attn(self.ln_1(x), allowed)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c.vocab_size, c.n_embd)
        self.wpe = nn.Embedding(c.block_size, c.n_embd)
        self.h = nn.ModuleList([Block(c) for _ in range(c.n_layer)])
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.lm_head = nn.Linear(c.n_embd, c.vocab_size, bias=False)

    def forward(self, idx, document, targets=None):
        steps = torch.arange(idx.shape[1])
        first = torch.cat([torch.ones_like(document[:, :1], dtype=torch.bool), document[:, 1:] != document[:, :-1]], 1)
        start = torch.where(first, steps, 0).cummax(1).values
        same = document[:, :, None] == document[:, None, :]
        allowed = (same & (steps[:, None] >= steps)).unsqueeze(1)
        x = self.wte(idx) + self.wpe(steps - start)
        for block in self.h:
            x = block(x, allowed)
        logits = self.lm_head(self.ln_f(x))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return logits, loss


config = GPTConfig()
model = GPT(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
loader = DataLoader(PackedLines(600, config.block_size), batch_size=24, shuffle=True)
for epoch in range(4):
    for batch in loader:
        _, loss = model(batch["input_ids"], batch["document_ids"], batch["targets"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
