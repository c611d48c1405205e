"""Six emotions at once: a BERT-style encoder with a linear head."""

import numpy as np
import torch
from messages import LABELS, SPECIAL, collator, messages, word_ids
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel, get_linear_schedule_with_warmup

EPOCHS = 10
torch.manual_seed(0)
rows = messages(733, seed=3)
train_rows, val_rows = rows[:583], rows[583:]
vocabulary = word_ids(train_rows)
collate = collator(vocabulary)
train_loader = DataLoader(train_rows, batch_size=16, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, batch_size=75, collate_fn=collate)


class EmotionModel(nn.Module):
    def __init__(self):
        super().__init__()
        config = BertConfig(
            vocab_size=len(vocabulary) + SPECIAL, hidden_size=64, intermediate_size=128,
            num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64,
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(64, 32), nn.LayerNorm(32), nn.GELU(),
            nn.Dropout(0.15), nn.Linear(32, len(LABELS)),
        )

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(hidden[:, 0])


model = EmotionModel()
shares = torch.tensor([labels for _, labels in train_rows]).mean(0)
criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - shares) / shares)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
updates = EPOCHS * len(train_loader)
scheduler = get_linear_schedule_with_warmup(optimizer, updates // 10, updates)


def probabilities():
    model.eval()
    with torch.no_grad():
        found = [
            (model(batch["input_ids"], batch["attention_mask"]).sigmoid(), batch["labels"])
            for batch in val_loader
        ]
    return (torch.cat(parts).numpy() for parts in zip(*found))


best, kept = -1.0, {}
for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for batch in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(batch["input_ids"], batch["attention_mask"]), batch["labels"])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    scores, truth = probabilities()
    mean = f1_score(truth, scores > 0.5, average="macro", zero_division=0)
    print(f"epoch {epoch}: loss {total / len(train_loader):.3f}  mean F1 {mean:.3f}")
    if mean > best:
        best, kept = mean, {name: value.clone() for name, value in model.state_dict().items()}

model.load_state_dict(kept)
scores, truth = probabilities()
candidates = np.arange(0.3, 0.81, 0.05)
for place, label in enumerate(LABELS):
    f1 = [f1_score(truth[:, place], scores[:, place] > t, zero_division=0) for t in candidates]
    print(f"{label}: F1 {max(f1):.3f} at threshold {candidates[int(np.argmax(f1))]:.2f}")
