"""Six emotions at once: a BERT-style encoder with a linear head."""

import torch
from messages import LABELS, SPECIAL, collator, messages, word_ids
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel

EPOCHS = 15
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
        self.head = nn.Linear(64, len(LABELS))

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(hidden[:, 0])


model = EmotionModel()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
for epoch in range(EPOCHS):
    model.train()
    for batch in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(batch["input_ids"], batch["attention_mask"]), batch["labels"])
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    found = [
        (model(batch["input_ids"], batch["attention_mask"]).sigmoid() > 0.5, batch["labels"] > 0)
        for batch in val_loader
    ]
predicted, truth = (torch.cat(parts) for parts in zip(*found))
hits = (predicted & truth).sum(0)
precision, recall = hits / predicted.sum(0), hits / truth.sum(0)
f1 = 2 * precision * recall / (precision + recall)
print(f"loss {loss.item():.3f}  decisions right {(predicted == truth).float().mean():.3f}")
print(f"predicted {predicted.sum(0).tolist()}  true {truth.sum(0).tolist()}")
print(f"F1 {dict(zip(LABELS, f1.tolist()))}  mean {f1.mean():.3f}")
