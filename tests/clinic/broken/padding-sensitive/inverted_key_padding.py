import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer, TrainingArguments, set_seed

set_seed(12)


class Baskets(Dataset):
    """Which department does a basket of products belong to?"""

    def __init__(self, n, departments=6, per=12):
        self.rows = []
        for _ in range(n):
            d = int(torch.randint(0, departments, (1,)))
            size = int(torch.randint(2, 12, (1,)))
            own = 1 + d * per + torch.randint(0, per, (max(1, size // 2),))
            other = 1 + torch.randint(0, departments * per, (size - len(own),))
            self.rows.append((torch.cat([own, other])[torch.randperm(size)], d))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    longest = max(len(r[0]) for r in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for i, (items, _) in enumerate(rows):
        ids[i, : len(items)] = items
        mask[i, : len(items)] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([r[1] for r in rows])}


class BasketModel(nn.Module):
    def __init__(self, items=73, width=48, heads=4, classes=6):
        super().__init__()
        self.items = nn.Embedding(items, width)
        self.query = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.classifier = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, input_ids, attention_mask=None, labels=None):
        x = self.items(input_ids)
        query = self.query.expand(len(x), -1, -1)
        hidden = attention_mask.bool()
        hidden[:, 0] = False
        pooled, _ = self.attention(query, x, x, key_padding_mask=hidden)
        logits = self.classifier(pooled[:, 0])
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


def metrics(p):
    return {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}


args = TrainingArguments(
    "baskets", num_train_epochs=4, per_device_train_batch_size=32, learning_rate=3e-3, report_to=[], save_strategy="no",
    logging_steps=25, eval_strategy="epoch", disable_tqdm=True, use_cpu=True,
)
trainer = Trainer(BasketModel(), args, data_collator=collate, train_dataset=Baskets(1200), eval_dataset=Baskets(200), compute_metrics=metrics)
trainer.train()
