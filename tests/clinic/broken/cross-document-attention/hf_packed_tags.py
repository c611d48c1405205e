"""Tag short log lines; rows are filled up with several lines each."""
import random

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments, set_seed

set_seed(5)
SERVICES = ["auth", "billing", "search", "mail", "cache", "queue"]
VERBS = ["failed", "started", "stopped", "retried", "timed", "finished"]
LEVELS = ["debug", "info", "warn", "error"]
TAGS = ["O", "SERVICE", "LEVEL", "NUMBER"]
vocabulary = {w: i for i, w in enumerate(["[PAD]", "[CLS]", "on", "host", "after", "ms", "with", *SERVICES, *VERBS, *LEVELS, *map(str, range(30))])}


def log_line():
    words = ["[CLS]", random.choice(LEVELS), random.choice(SERVICES), random.choice(VERBS), "on", "host", str(random.randrange(30)), "after", str(random.randrange(30)), "ms"]
    cut = random.randint(7, len(words))
    return words[:cut]


def tag(word):
    if word in SERVICES:
        return 1
    if word in LEVELS:
        return 2
    return 3 if word.isdigit() else 0


def pack(length=40):
    ids, positions, labels = [], [], []
    while True:
        line = log_line()
        if len(ids) + len(line) > length:
            break
        ids += [vocabulary[w] for w in line]
        positions += range(len(line))
        labels += [-100, *[tag(w) for w in line[1:]]]
    missing = length - len(ids)
    return {
        "input_ids": ids + [0] * missing,
        "position_ids": positions + [0] * missing,
        "attention_mask": [1] * len(ids) + [0] * missing,
        "labels": labels + [-100] * missing,
    }


class Rows(torch.utils.data.Dataset):
    def __init__(self, n):
        self.rows = [pack() for _ in range(n)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return {k: torch.tensor(v) for k, v in self.rows[i].items()}


def accuracy(output):
    predicted = output.predictions.argmax(-1)
    known = output.label_ids != -100
    return {"accuracy": float((predicted == output.label_ids)[known].mean())}


config = BertConfig(vocab_size=len(vocabulary), hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, max_position_embeddings=40, num_labels=len(TAGS))
model = BertForTokenClassification(config)
arguments = TrainingArguments(
    "tagger", num_train_epochs=3, per_device_train_batch_size=16, per_device_eval_batch_size=32, learning_rate=2e-3,
    eval_strategy="epoch", save_strategy="no", report_to=[], disable_tqdm=True, logging_steps=20, use_cpu=True,
)
trainer = Trainer(model, arguments, train_dataset=Rows(500), eval_dataset=Rows(80), compute_metrics=accuracy)
trainer.train()
print(trainer.evaluate())
