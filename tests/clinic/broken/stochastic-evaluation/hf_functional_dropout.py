import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

set_seed(2)


class Machines(Dataset):
    def __init__(self, n):
        load = torch.rand(n, 16)
        weights = torch.linspace(-1, 1, 16)
        self.x, self.y = load, ((load - 0.5) @ weights + 0.1 * torch.randn(n) > 0).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"load": self.x[i], "labels": self.y[i]}


class FailureModel(nn.Module):
    def __init__(self, p=0.3):
        super().__init__()
        self.p = p
        self.a, self.b, self.c = nn.Linear(16, 64), nn.Linear(64, 64), nn.Linear(64, 2)

    def forward(self, load, labels=None):
        h = F.dropout(F.gelu(self.a(load)), self.p)
        h = F.dropout(F.gelu(self.b(h)), self.p)
        logits = self.c(h)
        loss = F.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


arguments = TrainingArguments(
    "machines", num_train_epochs=5, per_device_train_batch_size=32, learning_rate=2e-3, logging_steps=20, report_to=[],
    eval_strategy="epoch", save_strategy="no", disable_tqdm=True, use_cpu=True, weight_decay=0.01,
)
trainer = Trainer(
    FailureModel(), arguments, train_dataset=Machines(900), eval_dataset=Machines(300),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
