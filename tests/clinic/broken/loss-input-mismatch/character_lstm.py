import math
import torch
import torch.nn as nn

TEXT = (
    "the quick brown fox jumps over the lazy dog while the small cat sleeps near the warm stove . "
    "a man walks into the town and buys bread , milk and some cheese for the long evening . "
    "rain falls on the roof and the river runs down to the old mill by the bridge . "
) * 12
chars = sorted(set(TEXT))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in TEXT])
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]

block_size, batch_size, emb, hid, max_iters = 32, 16, 24, 96, 400


def get_batch(split):
    d = train_data if split == "train" else val_data
    ix = torch.randint(len(d) - block_size - 1, (batch_size,))
    x = torch.stack([d[i : i + block_size] for i in ix])
    y = torch.stack([d[i + 1 : i + block_size + 1] for i in ix])
    return x, y


class CharLSTM(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hid, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(hid, vocab)

    def forward(self, x, targets=None):
        h, _ = self.lstm(self.emb(x))
        logits = self.head(self.drop(h))
        loss = None
        if targets is not None:
            scores = logits.view(-1, logits.size(-1))
            loss = nn.functional.nll_loss(scores, targets.view(-1))
        return logits, loss


@torch.no_grad()
def estimate_loss(model, iters=10):
    model.eval()
    out = {
        s: sum(model(*get_batch(s))[1].item() for _ in range(iters)) / iters
        for s in ("train", "val")
    }
    model.train()
    return out


torch.manual_seed(1337)
model = CharLSTM(len(chars))
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for it in range(max_iters):
    if it % 100 == 0:
        print(it, estimate_loss(model))
    for g in opt.param_groups:
        g["lr"] = (
            3e-3
            * min(1, (it + 1) / 20)
            * (0.5 * (1 + math.cos(math.pi * it / max_iters)) * 0.9 + 0.1)
        )
    xb, yb = get_batch("train")
    _, loss = model(xb, yb)
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
print(estimate_loss(model))
