"""Tagging long protein-like strings; own encoder, driven by Trainer (keyword calls)."""
import random, torch
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

random.seed(3); torch.manual_seed(3)
AA = "ACDEFGHIKLMNPQRSTVWY"
STOI = {c: i + 1 for i, c in enumerate(AA)}


class Proteins(Dataset):
    def __init__(self, n, lo=20, hi=90):
        self.rows = []
        for _ in range(n):
            L = random.randint(lo, hi)
            s = [random.choice(AA) for _ in range(L)]
            tags = [int(c in "AILMFVW") for c in s]
            tags = [1 if t and (i + 1 < L and tags[i + 1]) else 2 if t else 0 for i, t in enumerate(tags)]
            self.rows.append((s, tags))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        s, tags = self.rows[i]
        return {"input_ids": [STOI[c] for c in s], "labels": tags}


def collate(items):
    L = max(len(i["input_ids"]) for i in items)
    ids = torch.zeros(len(items), L, dtype=torch.long)
    lab = torch.full((len(items), L), -100)
    for k, it in enumerate(items):
        ids[k, :len(it["input_ids"])] = torch.tensor(it["input_ids"])
        lab[k, :len(it["labels"])] = torch.tensor(it["labels"])
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": lab}


class Tagger(nn.Module):
    def __init__(self, max_len, d=48):
        super().__init__()
        self.emb = nn.Embedding(21, d, padding_idx=0)
        self.pos = nn.Parameter(torch.randn(1, max_len, d) * 0.02)
        self.max_len = max_len
        self.enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(d, 4, 96, 0.1, batch_first=True), 2,
                                         enable_nested_tensor=False)
        self.out = nn.Linear(d, 3)

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        x = self.emb(input_ids)
        x = x + self.pos[:, :x.size(1)]
        h = self.enc(x, src_key_padding_mask=~attention_mask.bool())
        logits = self.out(h)
        loss = nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100)
        return {"loss": loss, "logits": logits}


args = TrainingArguments("prot", num_train_epochs=3, per_device_train_batch_size=16, learning_rate=1e-3, save_strategy="no",
                         report_to="none", use_cpu=True, logging_steps=10, remove_unused_columns=False)
trainer = Trainer(model=Tagger(64), args=args, train_dataset=Proteins(500), data_collator=collate)
trainer.train()
