import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(103)


class CrossAttention(nn.Module):
    def __init__(self, dim, heads=4):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_kv = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, queries, memory):
        q = self.split(self.to_q(queries))
        k, v = map(self.split, self.to_kv(memory).chunk(2, dim=-1))
        scores = torch.matmul(q, k.transpose(-1, -2)) / q.shape[-1] ** 0.5
        weights = torch.softmax(scores, dim=-2)
        return self.out(torch.matmul(weights, v).transpose(1, 2).flatten(2))


class Lookup(nn.Module):
    """Answer several questions about one list of keys and values."""

    def __init__(self, keys=20, values=8, dim=48):
        super().__init__()
        self.keys, self.values = nn.Embedding(keys, dim), nn.Embedding(values, dim)
        self.attention = CrossAttention(dim)
        self.norm = nn.LayerNorm(dim)
        self.answer = nn.Linear(dim, values)

    def forward(self, keys, values, questions):
        memory = self.keys(keys) + self.values(values)
        x = self.keys(questions)
        return self.answer(self.norm(x + self.attention(x, memory)))


class Lists(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i + self.n)
        keys = torch.randperm(20, generator=g)[:6]
        values = torch.randint(0, 8, (6,), generator=g)
        ask = torch.randperm(6, generator=g)[:3]
        return {"keys": keys, "values": values, "questions": keys[ask], "answers": values[ask]}


model = Lookup()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
train, test = DataLoader(Lists(2000), 50, shuffle=True), DataLoader(Lists(300), 100)
for epoch in range(6):
    model.train()
    for batch in train:
        answers = batch.pop("answers")
        loss = nn.functional.cross_entropy(model(**batch).flatten(0, 1), answers.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for batch in test:
            answers = batch.pop("answers")
            right += (model(**batch).argmax(-1) == answers).sum().item()
    print(f"epoch {epoch} loss {loss.item():.3f} right {right / 900:.3f}")
