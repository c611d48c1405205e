import random

import torch
from torch import nn
from transformers import BertConfig, BertModel, PreTrainedModel, Trainer, TrainingArguments, set_seed

set_seed(23)
CALM = "thanks please kindly appreciate helpful great".split()
ANGRY = "terrible useless worst refund angry broken".split()
OTHER = "i my order account the is was a to on for with it phone box store bill plan".split()
vocab = {w: i for i, w in enumerate(["[PAD]", *CALM, *ANGRY, *OTHER])}


def message():
    angry = random.random() < 0.5
    words = random.choices(OTHER, k=random.randint(3, 26)) + random.choices(ANGRY if angry else CALM, k=random.randint(1, 2))
    random.shuffle(words)
    return {"input_ids": [vocab[w] for w in words], "label": int(angry)}


def collate(rows):
    width = max(len(r["input_ids"]) for r in rows)
    return {
        "input_ids": torch.tensor([r["input_ids"] + [0] * (width - len(r["input_ids"])) for r in rows]),
        "attention_mask": torch.tensor([[1] * len(r["input_ids"]) + [0] * (width - len(r["input_ids"])) for r in rows]),
        "labels": torch.tensor([r["label"] for r in rows]),
    }


class MoodModel(PreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.head = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None):
        states = self.encoder(input_ids).last_hidden_state
        pooled = states.mean(1)
        logits = self.head(pooled)
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


config = BertConfig(vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=64, num_labels=2)
arguments = TrainingArguments("mood", num_train_epochs=3, per_device_train_batch_size=24, learning_rate=1e-3, report_to=[], save_strategy="no", logging_steps=20, disable_tqdm=True, use_cpu=True)
trainer = Trainer(MoodModel(config), arguments, data_collator=collate, train_dataset=[message() for _ in range(900)])
trainer.train()
