import random

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(5)
rng = random.Random(5)
label2id = {"negative": 0, "neutral": 1, "positive": 2, "mixed": 3}
cues = {"negative": range(10, 25), "neutral": range(25, 40), "positive": range(40, 55), "mixed": range(10, 55)}


class Sentences(torch.utils.data.Dataset):
    def __init__(self, n):
        self.items = []
        for _ in range(n):
            name = rng.choice(list(label2id))
            ids = [2] + [rng.choice(cues[name]) if rng.random() < 0.4 else rng.randrange(55, 90) for _ in range(15)]
            self.items.append({"input_ids": ids, "attention_mask": [1] * 16, "labels": label2id[name]})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


config = DistilBertConfig(vocab_size=90, dim=64, hidden_dim=128, n_layers=2, n_heads=4, max_position_embeddings=16, num_labels=3)
trainer = Trainer(
    model=DistilBertForSequenceClassification(config),
    args=TrainingArguments(
        "ratings", num_train_epochs=3, per_device_train_batch_size=32, learning_rate=1e-3, save_strategy="no", report_to="none"
    ),
    train_dataset=Sentences(1000),
    eval_dataset=Sentences(200),
)
trainer.train()
print(trainer.evaluate())
