"""Convolutional language model of counting sequences, batches drawn by hand."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
VOCAB, BLOCK, BATCH = 17, 24, 32
start, stride = torch.randint(0, VOCAB, (600, 1)), torch.randint(1, 5, (600, 1))
data = (start + stride * torch.arange(BLOCK + 1)) % VOCAB


def get_batch():
    rows = data[torch.randint(0, len(data), (BATCH,))]
    return rows[:, :-1], rows[:, 1:]


class ConvLM(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, dim)
        self.convs = nn.ModuleList(nn.Conv1d(dim, dim, 3, padding=1) for _ in range(3))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, VOCAB)

    def forward(self, idx):
        h = self.tokens(idx).transpose(1, 2)
        for conv in self.convs:
            h = h + F.gelu(conv(h))
        return self.out(self.norm(h.transpose(1, 2)))


model = ConvLM()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(300):
    x, y = get_batch()
    logits = model(x)
    loss = F.cross_entropy(logits.view(-1, VOCAB), y.reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.4f}")
