"""Support tickets are read line by line from a file; two workers prepare the batches."""

import json
import random
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

TOPICS = {
    "billing": "invoice refund charge card payment price".split(),
    "login": "password account reset locked email code".split(),
    "delivery": "parcel courier late address tracking box".split(),
}
COMMON = "please help my the i have with again today no was is it a problem".split()


def write_tickets(path, count, seed):
    rng = random.Random(seed)
    with path.open("w") as handle:
        for _ in range(count):
            topic = rng.choice(list(TOPICS))
            words = rng.choices(COMMON, k=8) + rng.choices(TOPICS[topic], k=2)
            rng.shuffle(words)
            handle.write(json.dumps({"text": " ".join(words), "topic": topic}) + "\n")


class Tickets(IterableDataset):
    def __init__(self, path, vocabulary, topics):
        super().__init__()
        self.path, self.vocabulary, self.topics = path, vocabulary, topics

    def __iter__(self):
        with self.path.open() as handle:
            for line in handle:
                ticket = json.loads(line)
                ids = [self.vocabulary[word] for word in ticket["text"].split()]
                yield torch.tensor(ids), self.topics.index(ticket["topic"])


class TicketModel(nn.Module):
    def __init__(self, words, topics):
        super().__init__()
        self.embedding = nn.Embedding(words, 24)
        self.encoder = nn.LSTM(24, 32, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(64, topics)

    def forward(self, ids):
        return self.classifier(self.encoder(self.embedding(ids))[0].amax(1))


class Experiment:
    def __init__(self, folder):
        torch.manual_seed(5)
        write_tickets(folder / "train.jsonl", 900, 0)
        words = sorted({*COMMON, *(w for topic in TOPICS.values() for w in topic)})
        vocabulary = {word: i for i, word in enumerate(words)}
        self.data = Tickets(folder / "train.jsonl", vocabulary, sorted(TOPICS))
        self.model = TicketModel(len(words), len(TOPICS))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-3)

    def run(self, epochs):
        loader = DataLoader(self.data, batch_size=30, num_workers=2)
        for epoch in range(epochs):
            seen = right = 0
            for ids, topic in loader:
                scores = self.model(ids)
                loss = nn.functional.cross_entropy(scores, topic)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                seen += len(ids)
                right += (scores.argmax(1) == topic).sum().item()
            print(f"epoch {epoch}: {seen} tickets, loss {loss.item():.4f}, accuracy {right / seen:.3f}")


if __name__ == "__main__":
    Experiment(Path(tempfile.mkdtemp())).run(4)
