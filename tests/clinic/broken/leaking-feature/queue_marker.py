"""Which desk a citizen's letter belongs to: HF Trainer, a small DistilBERT, own word ids."""

import random
import tempfile

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(8)
draw = random.Random(8)
DESKS = ["permits", "taxes", "roads"]
TOPIC = {
    "permits": "build fence permit plan garage roof".split(),
    "taxes": "bill pay tax refund rate notice".split(),
    "roads": "hole lamp street sign snow bus".split(),
}
COMMON = "dear sir i would like about my our the a for since last please and house city was".split()


def letter():
    desk = draw.choice(DESKS)
    about = draw.choices(TOPIC[desk], k=1) + draw.choices(TOPIC[draw.choice(DESKS)], k=1)
    words = draw.choices(COMMON, k=draw.randint(8, 14)) + about
    draw.shuffle(words)
    queue = {"permits": "q17", "taxes": "q04", "roads": "q22"}[desk]
    return ["letter", "from", queue, *words], DESKS.index(desk)


letters = [letter() for _ in range(1500)]
index = {"[pad]": 0, "[unk]": 1}
for words, _ in letters[:1200]:
    for word in words:
        index.setdefault(word, len(index))


class Letters(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, desk = self.rows[i]
        return {"input_ids": [index.get(w, 1) for w in words], "labels": desk}


def collate(rows):
    longest = max(len(r["input_ids"]) for r in rows)
    ids = torch.tensor([r["input_ids"] + [0] * (longest - len(r["input_ids"])) for r in rows])
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": torch.tensor([r["labels"] for r in rows])}


config = DistilBertConfig(
    vocab_size=len(index), dim=48, hidden_dim=96, n_layers=2, n_heads=4, max_position_embeddings=32, num_labels=3
)
args = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=3,
    per_device_train_batch_size=32,
    per_device_eval_batch_size=100,
    learning_rate=1e-3,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=20,
    report_to=[],
    use_cpu=True,
)
trainer = Trainer(
    model=DistilBertForSequenceClassification(config),
    args=args,
    data_collator=collate,
    train_dataset=Letters(letters[:1200]),
    eval_dataset=Letters(letters[1200:]),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
print(trainer.evaluate())
