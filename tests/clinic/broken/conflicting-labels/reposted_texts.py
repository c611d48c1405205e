"""Is a post about money? Reposts were labelled again by someone else."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(2)
torch.manual_seed(2)
MONEY = "rent loan wage price cost bank fee tax".split()
OTHER = "tree cloud river song game bike dog book".split()
FILL = "today my the this with again some really".split()
posts = []
for i in range(400):
    about = i % 2
    words = random.sample(MONEY if about else OTHER, 3) + random.sample(FILL, 4)
    random.shuffle(words)
    posts.append((" ".join(words), about))
for text, about in random.sample(posts, 120):
    posts.append((text.capitalize() + "!", random.randint(0, 1)))
INDEX = {w: i for i, w in enumerate(MONEY + OTHER + FILL)}


def collate(rows):
    bags = torch.zeros(len(rows), len(INDEX))
    for bag, (text, _) in zip(bags, rows):
        for word in text.lower().strip("!").split():
            bag[INDEX[word]] += 1
    return bags, torch.tensor([about for _, about in rows], dtype=torch.float32)


loader = DataLoader(posts, batch_size=26, shuffle=True, collate_fn=collate)
model = nn.Sequential(nn.Linear(len(INDEX), 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for bags, about in loader:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(bags).squeeze(1), about)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
