import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1337)
text = ("the cat sat on the mat and the dog sat on the log while the bird sang to the sun " * 60).strip()
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
block, batch = 32, 16


def get_batch():
    ix = torch.randint(len(data) - block - 1, (batch,))
    x = torch.stack([data[i : i + block] for i in ix])
    y = torch.stack([data[i + 1 : i + block + 1] for i in ix])
    return x, y


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.attn = nn.MultiheadAttention(n, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(n, 4 * n), nn.GELU(), nn.Linear(4 * n, n))
        self.ln1, self.ln2 = nn.LayerNorm(n), nn.LayerNorm(n)

    def forward(self, x):
        t = x.size(1)
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        h = self.ln1(x)
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab, n=64, layers=2):
        super().__init__()
        self.wte = nn.Embedding(vocab, n)
        self.wpe = nn.Embedding(block, n)
        self.blocks = nn.Sequential(*[Block(n) for _ in range(layers)])
        self.ln = nn.LayerNorm(n)
        self.lm_head = nn.Linear(n, vocab, bias=False)
        self.tie()

    def tie(self):
        nn.init.normal_(self.wte.weight, std=0.02)
        self.lm_head.weight.data.copy_(self.wte.weight.data)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln(self.blocks(x)))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


model = GPT(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(200):
    loss = model(*get_batch())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
