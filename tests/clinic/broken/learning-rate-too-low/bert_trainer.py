"""Sequence classification from scratch with the transformers Trainer."""

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


class Reviews(Dataset):
    def __init__(self, rows, seed):
        made = torch.Generator().manual_seed(seed)
        self.ids = torch.randint(5, 60, (rows, 12), generator=made)
        self.labels = (self.ids[:, :6].float().mean(1) > 32).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {
            "input_ids": self.ids[i],
            "attention_mask": torch.ones_like(self.ids[i]),
            "labels": self.labels[i],
        }


config = BertConfig(
    vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=16,
)
trainer = Trainer(
    model=BertForSequenceClassification(config),
    args=TrainingArguments(
        output_dir="reviews", num_train_epochs=3, per_device_train_batch_size=16,
        learning_rate=2e-10, report_to=[], save_strategy="no", use_cpu=True, seed=3,
    ),
    train_dataset=Reviews(480, 0),
    eval_dataset=Reviews(120, 1),
)
trainer.train()
print(trainer.evaluate())
