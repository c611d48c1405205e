"""Continue from a saved encoder with a loop of one's own."""

import random
import tempfile

import torch
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForSequenceClassification

random.seed(43)
torch.manual_seed(43)

SUBJECTS = {
    "sport": "goal match coach league stadium injury season referee".split(),
    "money": "stock bank inflation market profit loan trader budget".split(),
    "space": "orbit rocket planet telescope crew launch moon comet".split(),
}
GLUE = "the a of after in new said over from with for on their its as by".split()
token_id = {w: i + 1 for i, w in enumerate(GLUE + sum(SUBJECTS.values(), []))}


def headline():
    label = random.randrange(3)
    words = random.choices(GLUE, k=random.randint(5, 9))
    for _ in range(4):
        topic = list(SUBJECTS)[label if random.random() < 0.75 else random.randrange(3)]
        words.insert(random.randint(0, len(words)), random.choice(SUBJECTS[topic]))
    return tuple(token_id[w] for w in words), label


def collate(batch):
    width = max(len(ids) for ids, _ in batch)
    input_ids = torch.tensor([list(ids) + [0] * (width - len(ids)) for ids, _ in batch])
    return {"input_ids": input_ids, "attention_mask": (input_ids > 0).long(), "labels": torch.tensor([y for _, y in batch])}


rows = list(dict(headline() for _ in range(1500)).items())
train_loader = DataLoader(rows[:1200], batch_size=30, shuffle=True, collate_fn=collate)
val_loader = DataLoader(rows[1200:], batch_size=100, collate_fn=collate)

with tempfile.TemporaryDirectory() as folder:
    config = BertConfig(
        vocab_size=len(token_id) + 1, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=24, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.1, num_labels=3,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder)

optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
for epoch in range(4):
    epoch_loss = 0.0
    for batch in train_loader:
        outputs = model(**batch)
        outputs.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        epoch_loss += outputs.loss.item() * len(batch["labels"])
    correct = 0
    with torch.no_grad():
        for batch in val_loader:
            correct += (model(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
    n_val = len(rows) - 1200
    print(f"epoch {epoch}: loss {epoch_loss / 1200:.4f} val accuracy {correct / n_val:.4f}")
