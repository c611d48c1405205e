"""Tag support tickets with any of six topics."""

import random

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TOPICS = {
    "billing": "invoice charge refund card payment receipt",
    "login": "password account locked signin token username",
    "delivery": "parcel courier late tracking address shipment",
    "quality": "broken scratched faulty defect cracked noisy",
    "mobile": "phone app android crash update screen",
    "praise": "thanks great helpful lovely quick friendly",
}
FILLER = "hello i we my your about the a last week please could you since order with and have been it was".split()


def ticket(rng):
    active = [t for t in TOPICS if rng.random() < 0.25] or [rng.choice(list(TOPICS))]
    words = rng.choices(FILLER, k=rng.randint(6, 14))
    for topic in active:
        words += rng.sample(TOPICS[topic].split(), rng.randint(1, 3))
    if rng.random() < 0.25:  # a stray word
        words.append(rng.choice(TOPICS[rng.choice(list(TOPICS))].split()))
    rng.shuffle(words)
    return " ".join(words), [float(t in active) for t in TOPICS]


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main():
    seed_all(101)
    rng = random.Random(101)
    rows = {}
    while len(rows) < 1800:
        text, target = ticket(rng)
        rows.setdefault(text, target)
    texts, targets = list(rows), torch.tensor(list(rows.values()))
    vectorizer = TfidfVectorizer().fit(texts[:1400])
    features = torch.tensor(vectorizer.transform(texts).toarray(), dtype=torch.float32)
    train_loader = DataLoader(TensorDataset(features[:1400], targets[:1400]), batch_size=40, shuffle=True)
    val_loader = DataLoader(TensorDataset(features[1400:], targets[1400:]), batch_size=200)

    positives = targets[:1400].sum(0)
    criterion = nn.BCEWithLogitsLoss(pos_weight=(1400 - positives) / positives)
    model = nn.Sequential(nn.Linear(features.shape[1], 64), nn.LayerNorm(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 6))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad():
            preds = torch.cat([(model(x) > 0).int() for x, _ in val_loader])
        per_label = f1_score(targets[1400:].int(), preds, average=None, zero_division=0)
        summary = " ".join(f"{name} {score:.2f}" for name, score in zip(TOPICS, per_label))
        print(f"epoch {epoch} loss {total / 1400:.4f} macro-F1 {per_label.mean():.3f} ({summary})")


if __name__ == "__main__":
    main()
