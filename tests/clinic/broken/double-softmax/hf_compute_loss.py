import numpy as np
import torch
from torch import nn
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(77)
rng = np.random.default_rng(77)
N_CLASSES, VOCAB, LENGTH = 8, 100, 16


class Passages(torch.utils.data.Dataset):
    """Token ids 20 + 10c ... 29 + 10c speak for class c."""

    def __init__(self, n):
        self.labels = rng.integers(N_CLASSES, size=n)
        noise = rng.integers(1, VOCAB, size=(n, LENGTH))
        cue = 20 + 10 * self.labels[:, None] + rng.integers(10, size=(n, LENGTH))
        self.ids = np.where(rng.random((n, LENGTH)) < 0.4, cue, noise)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "attention_mask": np.ones(LENGTH, dtype=np.int64), "labels": int(self.labels[i])}


class FocalTrainer(Trainer):
    """Cross-entropy that gives less weight to easy passages."""

    gamma = 1.0

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        probs = outputs.logits.softmax(dim=-1)
        per_sample = nn.functional.cross_entropy(probs, labels, reduction="none")
        with torch.no_grad():
            easy = probs.gather(1, labels[:, None]).squeeze(1)
        loss = ((1 - easy) ** self.gamma * per_sample).mean()
        return (loss, outputs) if return_outputs else loss


model = DistilBertForSequenceClassification(
    DistilBertConfig(
        vocab_size=VOCAB, dim=64, hidden_dim=128, n_layers=2, n_heads=4, max_position_embeddings=LENGTH, num_labels=N_CLASSES
    )
)
args = TrainingArguments(
    output_dir="passages", num_train_epochs=4, per_device_train_batch_size=32, per_device_eval_batch_size=100, learning_rate=1e-3,
    logging_steps=25, save_strategy="no", eval_strategy="epoch", report_to="none",
)  # fmt: skip
trainer = FocalTrainer(
    model=model, args=args, train_dataset=Passages(1500), eval_dataset=Passages(300),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)  # fmt: skip
trainer.train()
print(trainer.evaluate())
