"""Review sentiment from two shops; both shops carry many of the same reviews."""

import random
import re

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(3)
rng = random.Random(3)
PRAISE = "sturdy bright comfortable quick quiet elegant reliable soft".split()
BLAME = "flimsy dim painful slow loud ugly unreliable rough".split()
ITEMS = "lamp chair mixer kettle blanket keyboard jacket backpack".split()
LINKS = ["I find", "to me", "it seems", "my wife says", "after a month", "for the money", "sadly or not"]


def review():
    label = rng.randint(0, 1)
    item = rng.choice(ITEMS)
    parts = []
    for _ in range(rng.randint(2, 3)):
        tone = label if rng.random() < 0.8 else 1 - label
        parts.append(f"{rng.choice(LINKS)} the {item} is {rng.choice(PRAISE if tone else BLAME)}")
    return ", ".join(parts), label


def restyle(text):
    text = text.capitalize() + rng.choice([".", "!", "!!", "..."])
    return text.upper() if rng.random() < 0.2 else text


shop_a = [review() for _ in range(900)]
shop_b = [(restyle(text), label) for text, label in rng.sample(shop_a, 500)] + [review() for _ in range(200)]
reviews = shop_a + shop_b
rng.shuffle(reviews)
split = int(0.8 * len(reviews))
train_reviews, eval_reviews = reviews[:split], reviews[split:]


def words(text):
    return re.findall(r"[a-z]+", text.lower())


vocab = {w: i + 2 for i, w in enumerate(sorted({w for t, _ in train_reviews for w in words(t)}))}


class ReviewDataset(torch.utils.data.Dataset):
    def __init__(self, rows, max_len=32):
        self.rows, self.max_len = rows, max_len

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        ids = [vocab.get(w, 1) for w in words(text)][: self.max_len]
        pad = self.max_len - len(ids)
        return {"input_ids": ids + [0] * pad, "attention_mask": [1] * len(ids) + [0] * pad, "labels": label}


model = BertForSequenceClassification(
    BertConfig(
        vocab_size=len(vocab) + 2, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=32, num_labels=2,
    )
)  # fmt: skip
args = TrainingArguments(
    "shop", num_train_epochs=5, per_device_train_batch_size=32, per_device_eval_batch_size=64, learning_rate=1e-3,
    eval_strategy="epoch", save_strategy="no", report_to="none", logging_steps=20,
)  # fmt: skip
trainer = Trainer(
    model=model, args=args, train_dataset=ReviewDataset(train_reviews), eval_dataset=ReviewDataset(eval_reviews),
    compute_metrics=lambda p: {"accuracy": (p.predictions.argmax(-1) == p.label_ids).mean()},
)  # fmt: skip
trainer.train()
print(trainer.evaluate())
