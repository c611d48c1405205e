import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments, set_seed

set_seed(67)
rng = np.random.default_rng(67)
LENGTH, VOCAB = 20, 60


class BracketTags(torch.utils.data.Dataset):
    """Tag every token as outside (0), inside (1) or border (2) of spans opened by id 1 and closed by id 2."""

    def __init__(self, n):
        self.rows = []
        for _ in range(n):
            ids, tags = rng.integers(3, VOCAB, LENGTH), np.zeros(LENGTH, dtype=np.int64)
            a = int(rng.integers(0, 10))
            b = int(rng.integers(a + 3, LENGTH))
            ids[a], ids[b] = 1, 2
            tags[a + 1 : b], tags[[a, b]] = 1, 2
            self.rows.append({"input_ids": ids, "attention_mask": np.ones(LENGTH, dtype=np.int64), "labels": tags})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def compute_metrics(p):
    return {"token_accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}


model = BertForTokenClassification(
    BertConfig(
        vocab_size=VOCAB, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=LENGTH, num_labels=3,
    )
)  # fmt: skip
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        "spans", num_train_epochs=4, per_device_train_batch_size=32, per_device_eval_batch_size=100, learning_rate=0.2,
        lr_scheduler_type="constant", logging_steps=10, eval_strategy="epoch", save_strategy="no", report_to="none",
    ),  # fmt: skip
    train_dataset=BracketTags(1200),
    eval_dataset=BracketTags(300),
    compute_metrics=compute_metrics,
)
trainer.train()
print(trainer.evaluate())
