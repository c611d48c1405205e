import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(8)
torch.manual_seed(8)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)


rows = [(review(i % 2), i % 2) for i in range(900)]
rows += [(text, 1 - label) for text, label in random.sample(rows, 60)]  # the second annotator disagreed
random.shuffle(rows)
vocab = {word: i for i, word in enumerate(sorted({*GOOD, *BAD, *PLAIN}))}


class Reviews(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        counts = torch.zeros(len(vocab))
        for word in text.split():
            counts[vocab[word]] += 1
        return counts, label


train_loader = DataLoader(Reviews(rows), batch_size=48, shuffle=True)
model = nn.Sequential(nn.Linear(len(vocab), 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    for counts, label in train_loader:
        loss = nn.functional.cross_entropy(model(counts), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
