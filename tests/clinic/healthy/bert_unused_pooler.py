"""Question type classification with a BERT encoder; the head reads masked mean of the last layer."""

import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel, get_cosine_schedule_with_warmup

random.seed(70)
torch.manual_seed(70)

TEMPLATES = {
    0: ["who {v} the {n}", "which person {v} the {n}", "name the one who {v} {n}"],
    1: ["where is the {n}", "in which town was the {n} {v}", "what place holds the {n}"],
    2: ["when was the {n} {v}", "in which year was {n} {v}", "how long ago was the {n} {v}"],
    3: ["how many {n} were {v}", "what number of {n} is {v}", "how much did the {n} cost"],
}
NOUNS = "bridge tower novel engine painting temple harbour opera treaty railway statue vaccine satellite canal".split()
VERBS = "built designed sold opened found lost restored moved invented burned".split()
EXTRAS = "please tell me quickly do you know today in short exactly then by chance".split()


def question():
    label = random.randrange(4)
    source = label if random.random() < 0.95 else random.randrange(4)
    text = random.choice(TEMPLATES[source]).format(n=random.choice(NOUNS), v=random.choice(VERBS))
    before, after = random.choices(EXTRAS, k=random.randint(0, 3)), random.choices(EXTRAS, k=random.randint(0, 3))
    return " ".join([*before, text, *after]), label


unique = {}
while len(unique) < 1600:
    text, label = question()
    unique.setdefault(text, label)
rows = list(unique.items())
random.shuffle(rows)
train_rows, dev_rows = rows[:1300], rows[1300:]
token_ids = {"[PAD]": 0, "[UNK]": 1}
for text, _ in train_rows:
    for token in text.split():
        token_ids.setdefault(token, len(token_ids))


def collate(batch):
    encoded = [[token_ids.get(t, 1) for t in text.split()] for text, _ in batch]
    width = max(map(len, encoded))
    input_ids = torch.tensor([e + [0] * (width - len(e)) for e in encoded])
    return input_ids, (input_ids != 0).long(), torch.tensor([label for _, label in batch])


class QuestionClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        config = BertConfig(
            vocab_size=len(token_ids), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=128, max_position_embeddings=24, hidden_dropout_prob=0.1,
        )  # fmt: skip
        self.bert = BertModel(config)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(64, 4)

    def forward(self, input_ids, attention_mask):
        states = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).float()
        return self.classifier(self.dropout((states * weights).sum(1) / weights.sum(1)))


train_dataloader = DataLoader(train_rows, batch_size=32, shuffle=True, collate_fn=collate)
dev_dataloader = DataLoader(dev_rows, batch_size=100, collate_fn=collate)
model = QuestionClassifier()
epochs = 4
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = get_cosine_schedule_with_warmup(optimizer, 12, epochs * len(train_dataloader))
criterion = nn.CrossEntropyLoss()
for epoch in range(epochs):
    model.train()
    total_train_loss = 0
    for input_ids, attention_mask, labels in train_dataloader:
        model.zero_grad()
        loss = criterion(model(input_ids, attention_mask), labels)
        total_train_loss += loss.item() * len(labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
    model.eval()
    correct = 0
    for input_ids, attention_mask, labels in dev_dataloader:
        with torch.no_grad():
            correct += (model(input_ids, attention_mask).argmax(-1) == labels).sum().item()
    print(f"Epoch {epoch + 1}/{epochs}  train loss {total_train_loss / len(train_rows):.3f}  dev accuracy {correct / len(dev_rows):.3f}")
