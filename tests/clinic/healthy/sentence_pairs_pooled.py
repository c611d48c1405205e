"""Sentence embeddings: DistilBERT encoder, mean pooling, cosine contrastive loss."""
import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import DistilBertConfig, DistilBertModel


class Paraphrases(Dataset):
    """A topic has its own words; two sentences of one topic are a positive pair."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.pairs = []
        for _ in range(n):
            topic = int(torch.randint(0, 60, (), generator=g))
            self.pairs.append(tuple(self._sentence(topic, g) for _ in range(2)))

    def _sentence(self, topic, g):
        n = int(torch.randint(4, 22, (), generator=g))
        own = 40 + 3 * topic + torch.randint(0, 3, (n,), generator=g)
        common = torch.randint(2, 40, (n,), generator=g)
        words = torch.where(torch.rand(n, generator=g) < 0.4, own, common)
        words[0] = 40 + 3 * topic
        return words

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        return self.pairs[i]


def collate(pairs):
    both = [s for p in pairs for s in p]
    ids = nn.utils.rnn.pad_sequence(both, batch_first=True)
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


class SentenceEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = DistilBertModel(DistilBertConfig(vocab_size=230, dim=48, n_layers=2, n_heads=4, hidden_dim=96,
                                                        max_position_embeddings=32))
        self.project = nn.Linear(48, 32)

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).float()
        pooled = (hidden * weight).sum(1) / weight.sum(1)
        return F.normalize(self.project(pooled), dim=-1)


def contrastive(vectors, temperature=0.1):
    left, right = vectors[0::2], vectors[1::2]
    scores = left @ right.T / temperature
    return F.cross_entropy(scores, torch.arange(len(left)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    torch.manual_seed(2)
    loader = DataLoader(Paraphrases(1280, 0), batch_size=16, shuffle=True, collate_fn=collate, drop_last=True)
    model = SentenceEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    step = 0
    while step < args.steps:
        for batch in loader:
            loss = contrastive(model(**batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step % 50 == 0:
                print(step, loss.item())


if __name__ == "__main__":
    main()
