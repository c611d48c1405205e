"""Fine-tune a pre-trained-style DistilBERT on ticket urgency; only one part of the network is meant to train."""

import random

import torch
from torch.utils.data import Dataset
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(31)
rng = random.Random(31)
URGENT = "down outage urgent asap blocked failing production immediately".split()
CALM = "question typo feature wondering someday suggestion docs minor".split()
OTHER = "the our server report page login export since monday team customer for with is please".split()


def tickets(n):
    rows = {}
    while len(rows) < n:
        label = rng.randint(0, 1)
        words = rng.choices(OTHER, k=rng.randint(7, 14))
        for _ in range(3):
            pool = URGENT if (rng.random() < 0.85) == bool(label) else CALM
            words.insert(rng.randint(0, len(words)), rng.choice(pool))
        rows.setdefault(" ".join(words), label)
    return list(rows.items())


rows = tickets(1500)
vocab = {w: i + 2 for i, w in enumerate(sorted(set(URGENT + CALM + OTHER)))}


class Tickets(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        ids = [1] + [vocab[w] for w in self.rows[i][0].split()]
        pad = 18 - len(ids)
        return {"input_ids": ids + [0] * pad, "attention_mask": [1] * len(ids) + [0] * pad, "labels": self.rows[i][1]}


config = DistilBertConfig(vocab_size=len(vocab) + 2, dim=64, hidden_dim=128, n_layers=2, n_heads=4, max_position_embeddings=18)
model = DistilBertForSequenceClassification(config)
for name, param in model.named_parameters():
    param.requires_grad = name.startswith("distilbert.")
print("trainable:", sum(p.numel() for p in model.parameters() if p.requires_grad))

trainer = Trainer(
    model=model,
    args=TrainingArguments(
        "urgency", num_train_epochs=4, per_device_train_batch_size=30, learning_rate=5e-4, eval_strategy="epoch", save_strategy="no",
        logging_steps=20, report_to="none",
    ),  # fmt: skip
    train_dataset=Tickets(rows[:1200]),
    eval_dataset=Tickets(rows[1200:]),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
print(trainer.evaluate())
