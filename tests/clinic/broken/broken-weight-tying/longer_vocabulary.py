"""Char-level decoder trained with Accelerate; special tokens are added to the vocabulary after construction."""
import math, torch, torch.nn as nn, torch.nn.functional as F
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(5)
WORDS = "time and tide wait for no man a stitch in time saves nine the early bird catches the worm".split()
g = torch.Generator().manual_seed(5)
TEXT = []
state = 0
for _ in range(6000):
    state = (state * 7 + int(torch.randint(0, 3, (1,), generator=g))) % len(WORDS)
    TEXT.append(WORDS[state])
TEXT = " ".join(TEXT)
CHARS = sorted(set(TEXT))
stoi = {c: i for i, c in enumerate(CHARS)}


class Chunks(Dataset):
    def __init__(self, text, block, bos):
        self.ids, self.block, self.bos = [stoi[c] for c in text], block, bos

    def __len__(self):
        return len(self.ids) // self.block - 1

    def __getitem__(self, i):
        seg = self.ids[i * self.block:(i + 1) * self.block]
        x = torch.tensor([self.bos] + seg)
        return x[:-1], x[1:]


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.h = h

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.h, D // self.h).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, D))
        return x + self.ff(self.ln2(x))


class Decoder(nn.Module):
    def __init__(self, vocab, d=64, h=4, n=2, ctx=64, tie_embeddings=True):
        super().__init__()
        self.tie_embeddings = tie_embeddings
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(ctx, d)
        self.blocks = nn.ModuleList([Block(d, h) for _ in range(n)])
        self.ln = nn.LayerNorm(d)
        self.lm_head = nn.Linear(d, vocab, bias=False)
        self.apply(self._init)
        self.tie_weights()

    def tie_weights(self):
        if self.tie_embeddings:
            self.lm_head.weight = self.wte.weight

    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, 0, 0.02)

    def resize(self, vocab):
        old = self.wte.weight.data
        self.wte = nn.Embedding(vocab, old.size(1))
        nn.init.normal_(self.wte.weight, 0, 0.02)
        self.wte.weight.data[: len(old)] = old
        head = nn.Linear(old.size(1), vocab, bias=False)
        nn.init.normal_(head.weight, 0, 0.02)
        head.weight.data[: len(old)] = self.lm_head.weight.data
        self.lm_head = head

    def forward(self, idx):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1), device=idx.device))
        for b in self.blocks:
            x = b(x)
        return self.lm_head(self.ln(x))


def main():
    acc = Accelerator(cpu=True)
    model = Decoder(len(CHARS))
    model.resize(len(CHARS) + 1)
    cut = int(len(TEXT) * 0.9)
    train_dl = DataLoader(Chunks(TEXT[:cut], 48, len(CHARS)), batch_size=16, shuffle=True)
    val_dl = DataLoader(Chunks(TEXT[cut:], 48, len(CHARS)), batch_size=16)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    model, opt, train_dl, val_dl = acc.prepare(model, opt, train_dl, val_dl)
    for epoch in range(3):
        model.train()
        for x, y in train_dl:
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            acc.backward(loss)
            acc.clip_grad_norm_(model.parameters(), 1.0)
            opt.step(); opt.zero_grad()
        model.eval()
        with torch.no_grad():
            v = [F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item() for x, y in val_dl]
        acc.print(epoch, loss.item(), "ppl", math.exp(sum(v) / len(v)))


main()
