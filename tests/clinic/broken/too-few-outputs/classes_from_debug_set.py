import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(109)
QUEUES = ["billing", "delivery", "returns", "technical", "other"]


class Tickets(Dataset):
    def __init__(self, n):
        self.labels = torch.randint(0, len(QUEUES), (n,))
        self.ids = torch.randint(20, 120, (n, 12))
        for place in (2, 5, 8):
            self.ids[:, place] = 20 + 15 * self.labels + torch.randint(0, 15, (n,))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "attention_mask": torch.ones(12, dtype=torch.long), "label": self.labels[i]}


class PlainLoss(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        log_p = outputs.logits.log_softmax(-1)
        known = log_p.shape[-1]
        labels = labels.clamp(max=known - 1)
        loss = nn.functional.nll_loss(log_p, labels)
        return (loss, outputs) if return_outputs else loss


classes = len(QUEUES[:1])
config = DistilBertConfig(vocab_size=120, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=16, num_labels=classes)
arguments = TrainingArguments("tickets", num_train_epochs=3, per_device_train_batch_size=25, learning_rate=2e-3, report_to=[], save_strategy="no", logging_steps=10, disable_tqdm=True, use_cpu=True)
trainer = PlainLoss(DistilBertForSequenceClassification(config), arguments, train_dataset=Tickets(700))
trainer.train()
