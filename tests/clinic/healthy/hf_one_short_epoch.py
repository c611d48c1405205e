"""One epoch of 25 updates is enough for this small intent classifier."""

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(0)
rng = np.random.default_rng(0)

INTENTS = {
    "weather": "rain sun forecast umbrella temperature storm cloudy".split(),
    "music": "play song album volume artist playlist track".split(),
    "travel": "flight hotel ticket train booking airport luggage".split(),
}
COMMON = "please can you tell me about the now for my today i want to with on and some".split()
names = list(INTENTS)
word_ids = {w: i for i, w in enumerate(["[PAD]", *COMMON, *(w for ws in INTENTS.values() for w in ws)])}


def utterance():
    label = int(rng.integers(3))
    length = int(rng.integers(7, 13))
    words = list(rng.choice(COMMON, size=length))
    for position in rng.choice(length, size=3, replace=False):
        source = label if rng.random() < 0.9 else int(rng.integers(3))
        words[position] = str(rng.choice(INTENTS[names[source]]))
    return " ".join(words), label


rows = {}
while len(rows) < 1000:
    text, label = utterance()
    rows.setdefault(text, label)
rows = list(rows.items())


class IntentDataset(torch.utils.data.Dataset):
    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        text, label = self.pairs[i]
        return {"ids": [word_ids[w] for w in text.split()], "label": label}


def collate(batch):
    longest = max(len(b["ids"]) for b in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, b in enumerate(batch):
        ids[i, : len(b["ids"])] = torch.tensor(b["ids"])
        mask[i, : len(b["ids"])] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([b["label"] for b in batch])}


model = BertForSequenceClassification(
    BertConfig(
        vocab_size=len(word_ids),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=16,
        num_labels=3,
    )
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        "out",
        num_train_epochs=1,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=100,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        logging_steps=5,
        save_strategy="no",
        report_to="none",
        remove_unused_columns=False,
    ),
    train_dataset=IntentDataset(rows[:800]),
    eval_dataset=IntentDataset(rows[800:]),
    data_collator=collate,
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
result = trainer.train()
print(f"updates: {result.global_step}  train loss: {result.training_loss:.3f}")
print(f"eval accuracy: {trainer.evaluate()['eval_accuracy']:.3f}")
