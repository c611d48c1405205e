"""Two towers, one for captions and one for pictures, trained with in-batch similarities."""

import itertools
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(5)
np.random.seed(5)
torch.manual_seed(5)

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0), "purple": (1, 0, 1), "white": (1, 1, 1)}
SHAPES, SIZES = ["square", "bar", "column", "cross"], ["small", "large"]
PLACES = {"top": (4, 8), "bottom": (12, 8), "left": (8, 4), "right": (8, 12), "centre": (8, 8)}
WORDS = ["<pad>", "a", "an", "the", "image", "of", "on", "at", "picture", *COLOURS, *SHAPES, *SIZES, *PLACES]
word_id = {w: i for i, w in enumerate(WORDS)}


def draw(colour, shape, size, place):
    canvas = torch.zeros(3, 16, 16)
    r = 2 if size == "small" else 3
    cy, cx = PLACES[place]
    cy, cx = cy + random.randint(-1, 1), cx + random.randint(-1, 1)
    h, w = {"square": (r, r), "bar": (1, r + 1), "column": (r + 1, 1), "cross": (r, r)}[shape]
    mask = torch.zeros(16, 16, dtype=torch.bool)
    if shape == "cross":
        mask[cy - r : cy + r + 1, cx], mask[cy, cx - r : cx + r + 1] = True, True
    else:
        mask[max(cy - h, 0) : cy + h + 1, max(cx - w, 0) : cx + w + 1] = True
    canvas[:, mask] = torch.tensor(COLOURS[colour], dtype=torch.float32).unsqueeze(1)
    return canvas * 2 - 0.5 + 0.15 * torch.randn(3, 16, 16)


def caption(colour, shape, size, place):
    start = random.choice(["a", "the", "image of a", "picture of the"])
    ids = [word_id[w] for w in f"{start} {size} {colour} {shape} {random.choice(['on', 'at'])} the {place}".split()]
    return torch.tensor(ids + [0] * (9 - len(ids)))


combos = list(itertools.product(COLOURS, SHAPES, SIZES, PLACES))
random.shuffle(combos)
train_combos, val_combos = combos[:200], combos[200:]


class Towers(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.visual = nn.Sequential(
            nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 16, dim),
        )  # fmt: skip
        self.words = nn.Embedding(len(WORDS), 32, padding_idx=0)
        self.text = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, dim))
        self.logit_scale = nn.Parameter(torch.tensor(2.3))

    def forward(self, images, tokens):
        img = F.normalize(self.visual(images), dim=-1)
        emb, mask = self.words(tokens), (tokens > 0).float().unsqueeze(-1)
        txt = F.normalize(self.text((emb * mask).sum(1) / mask.sum(1)), dim=-1)
        return self.logit_scale.exp() * img @ txt.t()


def clip_loss(logits):
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2


model = Towers()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
val_images = torch.stack([draw(*c) for c in val_combos])
val_tokens = torch.stack([caption(*c) for c in val_combos])
for step in range(301):
    picked = random.sample(train_combos, 50)
    images = torch.stack([draw(*c) for c in picked])
    tokens = torch.stack([caption(*c) for c in picked])
    loss = clip_loss(model(images, tokens))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(val_images, val_tokens)
            top1 = (logits.argmax(1) == torch.arange(len(logits))).float().mean().item()
        model.train()
        print(f"step {step} loss {loss.item():.3f} retrieval@1 on unseen combinations {top1:.3f} (chance {1 / len(logits):.3f})")
