"""Train a small GPT to sort lists of digits, in the manner of a library with its own Trainer."""

import math
import time
import zlib
from collections import defaultdict

import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from torch.utils.data.dataloader import DataLoader


class SortDataset(Dataset):
    """Input 0 0 2 1 0 1 -> the same list sorted; the input half carries no loss."""

    def __init__(self, split, length=6, num_digits=5, size=2000, seed=1337):
        self.length, self.num_digits = length, num_digits
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(num_digits, (size * 3, length), generator=generator).unique(dim=0)
        rows = rows[torch.randperm(len(rows), generator=generator)]
        is_test = torch.tensor([zlib.crc32(bytes(row.tolist())) % 5 == 0 for row in rows])
        self.rows = rows[is_test][:400] if split == "test" else rows[~is_test][:size]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        inp = self.rows[idx]
        cat = torch.cat((inp, inp.sort().values))
        x, y = cat[:-1].clone(), cat[1:].clone()
        y[: self.length - 1] = -1
        return x, y


class Block(nn.Module):
    def __init__(self, n_embd, n_head):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.c_attn, self.c_proj = nn.Linear(n_embd, 3 * n_embd), nn.Linear(n_embd, n_embd)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))
        self.n_head = n_head

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).chunk(3, dim=-1)
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, vocab_size, block_size, n_layer=2, n_head=4, n_embd=48):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, n_embd), nn.Embedding(block_size, n_embd)
        self.h = nn.ModuleList([Block(n_embd, n_head) for _ in range(n_layer)])
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1), device=idx.device))
        for block in self.h:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)).float(), targets.view(-1), ignore_index=-1)
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx)
            idx = torch.cat((idx, logits[:, -1].argmax(-1, keepdim=True)), dim=1)
        return idx


class Trainer:
    def __init__(self, model, train_dataset, max_iters=300, batch_size=64, learning_rate=1e-5):
        self.model, self.train_dataset = model, train_dataset
        self.max_iters, self.batch_size, self.learning_rate = max_iters, batch_size, learning_rate
        self.callbacks = defaultdict(list)
        self.iter_num, self.iter_time = 0, time.time()

    def add_callback(self, onevent, callback):
        self.callbacks[onevent].append(callback)

    def trigger_callbacks(self, onevent):
        for callback in self.callbacks[onevent]:
            callback(self)

    def configure_optimizer(self):
        decay = [p for p in self.model.parameters() if p.dim() >= 2]
        no_decay = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=(0.9, 0.95))

    def run(self):
        self.optimizer = self.configure_optimizer()
        loader = DataLoader(self.train_dataset, batch_size=self.batch_size, shuffle=True)
        self.model.train()
        data_iter = iter(loader)
        while self.iter_num < self.max_iters:
            try:
                batch = next(data_iter)
            except StopIteration:
                data_iter = iter(loader)
                batch = next(data_iter)
            x, y = batch
            _, self.loss = self.model(x, y)
            self.model.zero_grad(set_to_none=True)
            self.loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.trigger_callbacks("on_batch_end")
            self.iter_num += 1


def batch_end_callback(trainer):
    if trainer.iter_num % 100 == 0:
        print(f"iter {trainer.iter_num}: train loss {trainer.loss.item():.5f}")


torch.manual_seed(3407)
train_dataset, test_dataset = SortDataset("train"), SortDataset("test")
model = GPT(vocab_size=5, block_size=11).bfloat16()
print(f"{sum(p.numel() for p in model.parameters())} parameters, uniform loss {math.log(5):.3f}")
trainer = Trainer(model, train_dataset)
trainer.add_callback("on_batch_end", batch_end_callback)
trainer.run()

model.eval()
inputs = test_dataset.rows
outputs = model.generate(inputs, 6)[:, 6:]
solved = (outputs == inputs.sort(dim=1).values).all(dim=1).float().mean().item()
print(f"test lists sorted without a mistake: {100 * solved:.1f}%")
