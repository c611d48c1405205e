import random

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch.utils.data import Dataset
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    Trainer,
    TrainingArguments,
    set_seed,
)

set_seed(42)

GOOD = "wonderful moving clever superb charming gripping fresh brilliant warm memorable".split()
BAD = "dull clumsy lifeless tedious awful bland shallow noisy forgettable messy".split()
THINGS = "plot cast script camera music ending dialogue pacing hero villain sequel direction".split()
FILLER = "the film was really quite and its with though at times a bit for me in this one overall".split()


def make_review(rng, label):
    words = []
    for _ in range(rng.randint(2, 4)):
        tone = label if rng.random() < 0.85 else 1 - label
        words += rng.choices(FILLER, k=rng.randint(1, 3))
        words += [rng.choice(GOOD if tone else BAD), rng.choice(THINGS)]
    return " ".join(words)


def make_corpus(n, seed):
    rng = random.Random(seed)
    seen = {}
    while len(seen) < n:
        label = rng.randint(0, 1)
        seen.setdefault(make_review(rng, label), label)
    return list(seen.items())


corpus = make_corpus(1500, seed=1)
train_rows, eval_rows = corpus[:1200], corpus[1200:]

vocab = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2}
for text, _ in train_rows:
    for word in text.split():
        vocab.setdefault(word, len(vocab))


class ReviewDataset(Dataset):
    def __init__(self, rows, max_length=24):
        self.items = []
        for text, label in rows:
            ids = [vocab["[CLS]"]] + [vocab.get(w, vocab["[UNK]"]) for w in text.split()]
            ids = ids[:max_length]
            pad = max_length - len(ids)
            self.items.append(
                {
                    "input_ids": torch.tensor(ids + [0] * pad),
                    "attention_mask": torch.tensor([1] * len(ids) + [0] * pad),
                    "labels": torch.tensor(label),
                }
            )

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        return self.items[idx]


def compute_metrics(pred):
    preds = np.argmax(pred.predictions, axis=-1)
    return {"accuracy": accuracy_score(pred.label_ids, preds), "f1": f1_score(pred.label_ids, preds)}


config = DistilBertConfig(
    vocab_size=len(vocab), dim=64, hidden_dim=128, n_layers=2, n_heads=4, max_position_embeddings=32, num_labels=2
)
model = DistilBertForSequenceClassification(config)

args = TrainingArguments(
    output_dir="./results",
    num_train_epochs=4,
    per_device_train_batch_size=8,
    gradient_accumulation_steps=4,
    max_grad_norm=1.0,
    weight_decay=0.05,
    per_device_eval_batch_size=64,
    learning_rate=1e-3,
    warmup_steps=15,
    lr_scheduler_type="cosine",
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=25,
    report_to="none",
    disable_tqdm=True,
    seed=42,
)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=ReviewDataset(train_rows),
    eval_dataset=ReviewDataset(eval_rows),
    compute_metrics=compute_metrics,
)
trainer.train()
print(trainer.evaluate())
