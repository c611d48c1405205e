import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(5)
torch.manual_seed(5)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)



class Vocabulary:
    def __init__(self):
        self.word2idx, self.idx2word = {}, {}

    def add_word(self, word):
        if word not in self.word2idx:
            self.word2idx[word] = len(self.word2idx)
        return self.word2idx[word]

    def decode(self, ids):
        return " ".join(self.idx2word.get(int(i), "") for i in ids)


class Corpus(Dataset):
    def __init__(self, count):
        self.vocabulary = Vocabulary()
        texts = [review(i % 2).split() for i in range(count)]
        self.ids = [torch.tensor([self.vocabulary.add_word(w) for w in text[:8]]) for text in texts]

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return self.ids[i][:-1], self.ids[i][1:]


class NextWord(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embedding, self.rnn, self.out = nn.Embedding(words, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, words)

    def forward(self, ids):
        return self.out(self.rnn(self.embedding(ids))[0])


vocabulary = (corpus := Corpus(800)).vocabulary
model = NextWord(len(vocabulary.word2idx))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(3):
    for ids, following in DataLoader(corpus, batch_size=40, shuffle=True):
        scores = model(ids)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), "|", vocabulary.decode(scores[0].argmax(-1)))
