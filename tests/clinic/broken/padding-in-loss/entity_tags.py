import argparse
import random

import torch
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "B-ORG", "I-ORG"]
FIRST = "anna boris carla dmitri elena farid greta hugo ines jonas".split()
LAST = "keller novak silva weber rossi dubois larsen costa".split()
CITY = "lisbon oslo turin geneva boston kyoto cairo lima".split()
ORG = "acme globex initech umbra vertex nimbus".split()
SUFFIX = "group bank labs motors".split()
AMBIGUOUS = "paris jordan austin chelsea".split()  # people and places
VERBS = "met visited praised left called joined".split()
FILL = "yesterday again quietly after lunch with friends before dawn".split()


def sample(rng):
    words, tags = [], []

    def entity(kinds):
        kind = rng.choice(kinds)
        if kind == "PER":
            words.append(rng.choice(FIRST + AMBIGUOUS))
            tags.append("B-PER")
            if rng.random() < 0.6:
                words.append(rng.choice(LAST))
                tags.append("I-PER")
        elif kind == "LOC":
            if rng.random() < 0.6:
                words.append("in")
                tags.append("O")
            words.append(rng.choice(CITY + AMBIGUOUS))
            tags.append("B-LOC")
        else:
            words.extend([rng.choice(ORG), rng.choice(SUFFIX)])
            tags.extend(["B-ORG", "I-ORG"])

    def plain(pool, k):
        words.extend(rng.choices(pool, k=k))
        tags.extend(["O"] * k)

    entity(["PER", "ORG"])
    plain(VERBS, 1)
    entity(["PER", "ORG", "LOC"])
    plain(FILL, rng.randint(0, 4))
    if rng.random() < 0.5:
        entity(["LOC"])
    for i, tag in enumerate(tags):
        if tag != "O" and rng.random() < 0.02:  # annotators miss some
            tags[i] = "O"
    return tuple(words), tuple(tags)


class TagDataset(Dataset):
    def __init__(self, sentences, word2idx, word_dropout=0.0):
        self.sentences, self.word2idx, self.word_dropout = sentences, word2idx, word_dropout

    def __len__(self):
        return len(self.sentences)

    def __getitem__(self, index):
        words, tags = self.sentences[index]
        ids = torch.tensor([self.word2idx.get(w, 1) for w in words])
        if self.word_dropout:
            ids = torch.where(torch.rand(len(ids)) < self.word_dropout, torch.ones_like(ids), ids)
        return ids, torch.tensor([TAGS.index(t) for t in tags])


def collate(batch):
    lengths = torch.tensor([len(w) for w, _ in batch])
    words = pad_sequence([w for w, _ in batch], batch_first=True)
    tags = pad_sequence([t for _, t in batch], batch_first=True)
    return words, tags, lengths


class BiLSTMTagger(nn.Module):
    def __init__(self, vocab_size, embedding_dim=32, hidden_dim=32):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, len(TAGS))

    def forward(self, sentence, lengths):
        packed = pack_padded_sequence(self.word_embeddings(sentence), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.hidden2tag(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--epochs", type=int, default=5)
    cfg = parser.parse_args()
    torch.manual_seed(4)
    rng = random.Random(1)
    sentences = [(w, t) for w, t in dict(sample(rng) for _ in range(2600)).items()]
    rng.shuffle(sentences)
    train_s, dev_s = sentences[:1800], sentences[1800:2200]
    word2idx = {"<pad>": 0, "<unk>": 1}
    for words, _ in train_s:
        for w in words:
            word2idx.setdefault(w, len(word2idx))
    train_dl = DataLoader(TagDataset(train_s, word2idx, 0.03), batch_size=32, shuffle=True, collate_fn=collate)
    dev_dl = DataLoader(TagDataset(dev_s, word2idx), batch_size=64, collate_fn=collate)
    model = BiLSTMTagger(len(word2idx))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for words, tags, lengths in train_dl:
            model.zero_grad()
            scores = model(words, lengths)
            loss = loss_function(scores.view(-1, len(TAGS)), tags.view(-1))
            loss.backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.no_grad():
            for words, tags, lengths in dev_dl:
                entity = tags > 0
                right += (model(words, lengths).argmax(-1)[entity] == tags[entity]).sum().item()
                total += entity.sum().item()
        print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy on entity tokens {right / total:.4f}")
