"""Moods of song lines with a GRU; one corpus object that hands out the lines of its current split."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

MOODS = {
    0: "sun dance smile light sweet morning".split(),
    1: "rain alone tears cold goodbye grey".split(),
    2: "fire fight scream burn break steel".split(),
}
FILL = "the my your in of and we to on again all night".split()
WORDS = {w: i for i, w in enumerate(["<pad>", *FILL, *sum(MOODS.values(), [])])}


class Songs(Dataset):
    def __init__(self, seed):
        draw = random.Random(seed)
        self.lines = {"train": [self.line(draw) for _ in range(900)], "dev": [self.line(draw) for _ in range(240)]}
        self.part = "train"

    @staticmethod
    def line(draw):
        mood = draw.randrange(3)
        words = draw.choices(FILL, k=7) + draw.choices(MOODS[mood], k=2) + draw.choices(MOODS[draw.randrange(3)], k=1)
        draw.shuffle(words)
        return torch.tensor([WORDS[w] for w in words]), mood

    def __len__(self):
        return len(self.lines[self.part])

    def __getitem__(self, i):
        return self.lines[self.part][i]


class MoodNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(len(WORDS), 24, padding_idx=0)
        self.gru = nn.GRU(24, 32, batch_first=True)
        self.mood = nn.Linear(32, 3)

    def forward(self, ids):
        return self.mood(self.gru(self.words(ids))[0].mean(1))


def one_epoch(net, songs, optimizer):
    net.train()
    total = 0.0
    loader = DataLoader(songs, batch_size=30, shuffle=True)
    for ids, mood in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(ids), mood)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def check(net, songs):
    songs.part = "dev"
    net.eval()
    with torch.no_grad():
        hits = [(net(ids).argmax(1) == mood).float() for ids, mood in DataLoader(songs, batch_size=60)]
    return torch.cat(hits).mean().item()


def main():
    torch.manual_seed(1)
    songs, net = Songs(1), MoodNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(8):
        print(epoch, one_epoch(net, songs, optimizer), check(net, songs))


if __name__ == "__main__":
    main()
