"""Intent detection with a CNN over words; empty utterances are removed before training."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

INTENTS = {
    "balance": ["how much money do i have", "show my balance", "what is left on my account"],
    "transfer": ["send money to {x}", "move funds to {x}", "pay {x} now"],
    "card": ["block my card", "my card was stolen in {x}", "order a new card"],
    "branch": ["where is the nearest branch", "opening hours in {x}", "address of the {x} office"],
}
NAMES = "anna boris lisbon oslo turin carla geneva dmitri savings rent".split()
POLITE = "please hello thanks hi could you kindly today right away".split()


def load_log(seed, n):
    rng = random.Random(seed)
    texts, intents = [], []
    while len(texts) < n:
        intent = rng.choice(list(INTENTS))
        text = rng.choice(INTENTS[intent]).format(x=rng.choice(NAMES))
        words = rng.choices(POLITE, k=rng.randint(0, 4)) + text.split() + rng.choices(POLITE, k=rng.randint(0, 4))
        text = "" if rng.random() < 0.04 else " ".join(words)
        if text and text in texts:
            continue
        texts.append(text)
        intents.append(list(INTENTS).index(intent))
    return texts, intents


class UtteranceDataset(Dataset):
    def __init__(self, texts, intents, vocab, length=16):
        self.texts, self.intents, self.vocab, self.length = texts, intents, vocab, length

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, i):
        ids = [self.vocab.get(w, 1) for w in self.texts[i].split()][: self.length]
        return torch.tensor(ids + [0] * (self.length - len(ids))), self.intents[i]


class TextCNN(nn.Module):
    def __init__(self, vocab_size, dim=32, filters=24):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(dim, filters, k, padding=k // 2) for k in (2, 3, 4))
        self.fc = nn.Linear(3 * filters, len(INTENTS))

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)
        return self.fc(torch.cat([F.relu(conv(x)).amax(-1) for conv in self.convs], dim=1))


def run(epochs=8):
    torch.manual_seed(16)
    texts, intents = load_log(16, 1700)
    texts = [t for t in texts if t.strip()]
    cut = 1300
    train_texts, train_intents = texts[:cut], intents[:cut]
    val_texts, val_intents = texts[cut:], intents[cut : len(texts)]
    vocab = {w: i + 2 for i, w in enumerate(sorted({w for t in train_texts for w in t.split()}))}
    train_loader = DataLoader(UtteranceDataset(train_texts, train_intents, vocab), batch_size=32, shuffle=True)
    val_loader = DataLoader(UtteranceDataset(val_texts, val_intents, vocab), batch_size=100)
    model = TextCNN(len(vocab) + 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        model.train()
        for ids, intent in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(ids), intent)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(ids).argmax(1) == intent).sum().item() for ids, intent in val_loader)
        print(f"epoch {epoch} loss {loss.item():.3f} val accuracy {right / len(val_texts):.3f}")


if __name__ == "__main__":
    run()
