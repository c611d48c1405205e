"""Fine-tune a small encoder on app reviews read from a CSV export."""

import csv
import io
import random

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(21)
rng = random.Random(21)
GOOD, BAD = "love great smooth handy best neat".split(), "crash slow ads bug hate useless".split()
WORDS = "this app is on my phone since the last update and every time it for a while with new design".split()

export = io.StringIO()
writer = csv.writer(export)
writer.writerow(["review", "sentiment"])
for _ in range(1200):
    mood = rng.choice(["positive", "negative"])
    tokens = rng.choices(WORDS, k=rng.randint(6, 12)) + rng.choices(GOOD if mood == "positive" else BAD, k=2)
    if rng.random() < 0.2:
        tokens.append(rng.choice(GOOD + BAD))
    rng.shuffle(tokens)
    writer.writerow([" ".join(tokens), mood])
export.seek(0)
rows = {r["review"]: r for r in csv.DictReader(export)}
rows = list(rows.values())

texts = [r["review"] for r in rows]
labels = [1 if r["sentiment"] == "Positive" else 0 for r in rows]
vocab = {w: i + 1 for i, w in enumerate(sorted({w for t in texts for w in t.split()}))}


class AppReviews(torch.utils.data.Dataset):
    def __init__(self, texts, labels):
        self.texts, self.labels = texts, labels

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, i):
        ids = [vocab[w] for w in self.texts[i].split()]
        mask = [1] * len(ids) + [0] * (16 - len(ids))
        return {"input_ids": ids + [0] * (16 - len(ids)), "attention_mask": mask, "labels": self.labels[i]}


model = DistilBertForSequenceClassification(
    DistilBertConfig(vocab_size=len(vocab) + 1, dim=48, hidden_dim=96, n_layers=2, n_heads=4, max_position_embeddings=16)
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        "app_reviews", num_train_epochs=3, per_device_train_batch_size=24, learning_rate=1e-3, eval_strategy="epoch",
        save_strategy="no", report_to="none", logging_steps=20,
    ),  # fmt: skip
    train_dataset=AppReviews(texts[:1000], labels[:1000]),
    eval_dataset=AppReviews(texts[1000:], labels[1000:]),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
print(trainer.evaluate())
