"""Likes from vectors of users and songs: the taste is only in how both go together, and it takes epochs to show."""

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, Dataset


def plays(users=120, songs=90, n=4800, seed=5):
    rng = np.random.default_rng(seed)
    taste, style = rng.normal(0, 1, (users, 3)), rng.normal(0, 1, (songs, 3))
    pairs = rng.permutation(users * songs)[:n]
    table = pd.DataFrame({"user": pairs // songs, "song": pairs % songs})
    score = (taste[table.user] * style[table.song]).sum(1) + rng.normal(0, 0.4, n)
    return table.assign(liked=(score > 0).astype("int64"))


class Plays(Dataset):
    def __init__(self, table):
        self.user, self.song, self.liked = (table[c].to_numpy() for c in ("user", "song", "liked"))

    def __len__(self):
        return len(self.user)

    def __getitem__(self, i):
        return {"user": self.user[i], "song": self.song[i], "liked": self.liked[i]}


class Match(nn.Module):
    def __init__(self, users, songs, width=12):
        super().__init__()
        self.users, self.songs = nn.Embedding(users, width), nn.Embedding(songs, width)
        self.answer = nn.Linear(width, 2)

    def forward(self, user, song):
        return self.answer(self.users(user) * self.songs(song))


def main():
    torch.manual_seed(0)
    table = plays()
    accelerator = Accelerator(cpu=True)
    net = Match(120, 90)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.05)
    train = DataLoader(Plays(table[:4000]), batch_size=200, shuffle=True)
    held = DataLoader(Plays(table[4000:]), batch_size=400)
    net, optimizer, train, held = accelerator.prepare(net, optimizer, train, held)
    for epoch in range(15):
        net.train()
        for batch in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(batch["user"], batch["song"]), batch["liked"])
            accelerator.backward(loss)
            optimizer.step()
        net.eval()
        with torch.no_grad():
            hits = [net(b["user"], b["song"]).argmax(1) == b["liked"] for b in held]
        accelerator.print(epoch, loss.item(), torch.cat(hits).float().mean().item())


if __name__ == "__main__":
    main()
