import torch, numpy as np
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    Trainer,
    TrainingArguments,
)
from torch.utils.data import Dataset

rng = np.random.default_rng(0)
torch.manual_seed(0)
N, L, V = 600, 16, 60


def make(n):
    y = rng.integers(0, 3, n)
    x = rng.integers(5, V, (n, L))
    for i in range(n):
        x[i, rng.choice(L - 1, 4, replace=False) + 1] = 10 + y[i] * 5 + rng.integers(0, 3, 4)
    x[:, 0] = 2
    return x, y


class MLM(Dataset):
    def __init__(s, x):
        s.x = torch.tensor(x)

    def __len__(s):
        return len(s.x)

    def __getitem__(s, i):
        x = s.x[i].clone()
        lab = torch.full_like(x, -100)
        m = torch.rand(L) < 0.15
        m[0] = False
        m[1] = True
        lab[m] = x[m]
        x[m] = 4
        return {"input_ids": x, "labels": lab, "attention_mask": torch.ones_like(x)}


class CLS(Dataset):
    def __init__(s, x, y):
        s.x, s.y = torch.tensor(x), torch.tensor(y)

    def __len__(s):
        return len(s.x)

    def __getitem__(s, i):
        return {
            "input_ids": s.x[i],
            "labels": s.y[i],
            "attention_mask": torch.ones(L, dtype=torch.long),
        }


xa, ya = make(N)
xb, yb = make(150)
cfg = BertConfig(
    vocab_size=V,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=32,
    num_labels=3,
)


def args(name, **kw):
    return TrainingArguments(
        output_dir=f"out_{name}",
        per_device_train_batch_size=16,
        report_to=[],
        logging_steps=20,
        disable_tqdm=True,
        save_strategy="no",
        seed=1,
        **kw,
    )


mlm = BertForMaskedLM(cfg)
Trainer(mlm, args("mlm", num_train_epochs=2, learning_rate=1e-3), train_dataset=MLM(xa)).train()
clf = BertForSequenceClassification(cfg)
clf.bert.load_state_dict(mlm.bert.state_dict(), strict=False)
for n, p in clf.named_parameters():
    if not n.startswith("bert."):
        p.requires_grad = False


def acc(p):
    return {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}


t = Trainer(
    clf,
    args("cls", num_train_epochs=5, learning_rate=5e-4, eval_strategy="epoch"),
    train_dataset=CLS(xa, ya),
    eval_dataset=CLS(xb, yb),
    compute_metrics=acc,
)
t.train()
print(t.evaluate())
