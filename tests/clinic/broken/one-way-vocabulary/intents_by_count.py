"""Which of twelve intents a question to a bank has; answers go to a desk by name."""

import random
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

INTENTS = {
    "card_lost": "lost stolen missing card wallet", "card_new": "order new replacement plastic card",
    "balance": "balance left amount account total", "transfer": "send transfer wire money abroad",
    "fees": "fee charge cost monthly price", "loan": "loan borrow mortgage house credit",
    "rate": "interest rate percent yearly savings", "login": "password login code locked app",
    "limit": "limit raise daily maximum withdraw", "close": "close cancel end account leave",
    "address": "moved address street new letter", "fraud": "fraud strange payment unknown shop",
}
FILLER = "please can i my the how do what is for a with today help me want to about".split()


def question(rng, intent):
    words = rng.sample(INTENTS[intent].split(), 3) + rng.sample(FILLER, 5)
    rng.shuffle(words)
    return words


def main():
    rng = random.Random(6)
    torch.manual_seed(6)
    asked = rng.choices(list(INTENTS), weights=[9, 4, 12, 8, 5, 3, 3, 7, 4, 2, 3, 5], k=1200)
    questions = [question(rng, intent) for intent in asked]
    label_to_id = {name: i for i, name in enumerate(INTENTS)}
    id_to_label = dict(enumerate(name for name, _ in Counter(asked).most_common()))
    words = sorted({w for q in questions for w in q})
    place = {w: i for i, w in enumerate(words)}
    x = torch.tensor([[place[w] for w in q] for q in questions])
    y = torch.tensor([label_to_id[intent] for intent in asked])
    train, valid = random_split(TensorDataset(x, y), [1000, 200])
    net = nn.Sequential(nn.EmbeddingBag(len(words), 32), nn.ReLU(), nn.Linear(32, len(INTENTS)))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(8):
        for a, b in DataLoader(train, batch_size=25, shuffle=True):
            loss = nn.functional.cross_entropy(net(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum((net(a).argmax(1) == b).sum().item() for a, b in DataLoader(valid, batch_size=100))
        print(f"epoch {epoch}: loss {loss.item():.3f}, right {right / 200:.2f}")
    with torch.no_grad():
        for q in questions[:5]:
            answer = net(torch.tensor([[place[w] for w in q]])).argmax(1).item()
            print(" ".join(q), "->", id_to_label[answer])


if __name__ == "__main__":
    main()
