"""Translate spoken dates into ISO form: encoder, attention, decoder."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

SEED = 18
random.seed(SEED)
torch.manual_seed(SEED)

MONTHS = "january february march april may june july august september october november december".split()
PAD, SOS, EOS = 0, 1, 2


def spoken(y, m, d):
    style = random.randrange(4)
    name = MONTHS[m - 1]
    if style == 0:
        return f"{d} {name} {y}"
    if style == 1:
        return f"{name[:3]} {d}, {y}"
    if style == 2:
        return f"{d}/{m}/{str(y)[2:]}"
    return f"the {d} of {name} {str(y)[2:]}"


dates = random.sample([(y, m, d) for y in range(2000, 2030) for m in range(1, 13) for d in range(1, 29)], 3000)
pairs = [(spoken(*date), "{:04d}-{:02d}-{:02d}".format(*date)) for date in dates]
train_pairs, val_pairs = pairs[:2600], pairs[2600:]
src_vocab = {c: i + 3 for i, c in enumerate(sorted({c for s, _ in train_pairs for c in s}))}
tgt_vocab = {c: i + 3 for i, c in enumerate("0123456789-")}


def collate(batch):
    src = [torch.tensor([src_vocab[c] for c in s] + [EOS]) for s, _ in batch]
    tgt = [torch.tensor([SOS] + [tgt_vocab[c] for c in t] + [EOS]) for _, t in batch]
    return pad_sequence(src, True, PAD), pad_sequence(tgt, True, PAD)


class Encoder(nn.Module):
    def __init__(self, vocab, emb=24, hid=64):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb, padding_idx=PAD)
        self.rnn = nn.GRU(emb, hid, batch_first=True)

    def forward(self, src):
        lengths = (src != PAD).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(src), lengths, batch_first=True, enforce_sorted=False)
        outputs, hidden = self.rnn(packed)
        return nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0], hidden, src != PAD


class Decoder(nn.Module):
    def __init__(self, vocab, emb=24, hid=64):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.rnn = nn.GRU(emb, hid, batch_first=True)
        self.query = nn.Linear(hid, hid, bias=False)
        self.fc_out = nn.Linear(2 * hid, vocab)

    def forward(self, tokens, hidden, memory, mask):
        out, hidden = self.rnn(self.embedding(tokens), hidden)
        scores = self.query(out) @ memory.transpose(1, 2) / memory.size(-1) ** 0.5
        scores = scores.masked_fill(~mask.unsqueeze(1), float("-inf"))
        context = scores.softmax(-1) @ memory
        return self.fc_out(torch.cat([out, context], -1)), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, src, tgt_in):
        memory, hidden, mask = self.encoder(src)
        return self.decoder(tgt_in, hidden, memory, mask)[0]

    @torch.no_grad()
    def translate(self, src, max_len=11):
        memory, hidden, mask = self.encoder(src)
        token = torch.full((len(src), 1), SOS)
        result = []
        for _ in range(max_len):
            logits, hidden = self.decoder(token, hidden, memory, mask)
            token = logits.argmax(-1)
            result.append(token)
        return torch.cat(result, 1)


model = Seq2Seq(Encoder(len(src_vocab) + 3), Decoder(len(tgt_vocab) + 3))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
encoder_optimizer = torch.optim.Adam(model.encoder.parameters(), lr=4e-3)
train_iterator = DataLoader(train_pairs, 64, shuffle=True, collate_fn=collate)
valid_iterator = DataLoader(val_pairs, 200, collate_fn=collate)

for epoch in range(7):
    model.train()
    epoch_loss = 0.0
    for src, tgt in train_iterator:
        optimizer.zero_grad()
        encoder_optimizer.zero_grad()
        logits = model(src, tgt[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tgt[:, 1:].flatten(), ignore_index=PAD)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        encoder_optimizer.step()
        epoch_loss += loss.item() * len(src)
    model.eval()
    exact = 0
    for src, tgt in valid_iterator:
        exact += (model.translate(src) == tgt[:, 1:]).all(1).sum().item()
    print(f"Epoch {epoch + 1:02} | Train Loss {epoch_loss / len(train_pairs):.3f} | Val. exact match {exact / len(val_pairs):.3f}")
