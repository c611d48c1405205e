import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(17)


class Sessions(Dataset):
    """Clicks of a visit; does it end in a purchase?"""

    def __init__(self, n, pages=60):
        self.visits = []
        for _ in range(n):
            length = int(torch.randint(3, 25, (1,)))
            clicks = torch.randint(1, pages, (length,))
            buys = (clicks < 12).sum() > 0.22 * length
            self.visits.append((clicks, float(buys)))

    def __len__(self):
        return len(self.visits)

    def __getitem__(self, i):
        return self.visits[i]


def pad(rows):
    longest = max(len(clicks) for clicks, _ in rows)
    clicks = torch.full((len(rows), longest), 0)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, (c, _) in enumerate(rows):
        clicks[i, : len(c)] = c
        mask[i, : len(c)] = True
    return clicks, mask, torch.tensor([b for _, b in rows])


class SessionModel(nn.Module):
    def __init__(self, pages=60, width=32):
        super().__init__()
        self.pages = nn.Embedding(pages, width)
        self.first = nn.TransformerEncoderLayer(width, 4, 64, 0.1, batch_first=True)
        self.second = nn.TransformerEncoderLayer(width, 4, 64, 0.1, batch_first=True)
        self.score = nn.Linear(width, 1)

    def forward(self, clicks, mask):
        x = self.pages(clicks)
        x = self.first(x)
        x = self.second(x)
        return self.score(x.mean(1)).squeeze(-1)


model = SessionModel()
train = DataLoader(Sessions(1500), 50, shuffle=True, collate_fn=pad)
test = DataLoader(Sessions(300), 50, collate_fn=pad)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(4):
    model.train()
    for clicks, mask, bought in train:
        loss = nn.functional.binary_cross_entropy_with_logits(model(clicks, mask), bought)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum(((model(c, m) > 0) == (b > 0.5)).sum().item() for c, m, b in test)
    print(f"{epoch} {loss.item():.3f} {hits / 300:.3f}")
