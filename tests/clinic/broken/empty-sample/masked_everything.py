"""Short messages for a Hugging Face model; some lines of the file hold only a link."""

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import BertConfig, BertForSequenceClassification

WORDS = "great fine good nice bad awful poor sad movie food place day really very".split()
INDEX = {w: i + 2 for i, w in enumerate(WORDS)}


def lines(count):
    made = torch.Generator().manual_seed(0)
    rows = []
    for i in range(count):
        good = i % 2
        tone = torch.randint(0, 4, (2,), generator=made) + (0 if good else 4)
        rest = torch.randint(8, 14, (5,), generator=made)
        words = [WORDS[j] for j in (*tone.tolist(), *rest.tolist())]
        rows.append(("http://t.co/x" if i % 17 == 0 else " ".join(words), good))
    return rows


class Messages(Dataset):
    def __init__(self, rows, longest=8):
        self.rows, self.longest = rows, longest

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        ids = [INDEX[w] for w in text.split() if w in INDEX][: self.longest]
        padding = [0] * (self.longest - len(ids))
        return {
            "input_ids": torch.tensor(ids + padding),
            "attention_mask": torch.tensor([1] * len(ids) + padding),
            "labels": torch.tensor(label),
        }


torch.manual_seed(0)
config = BertConfig(vocab_size=20, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                    intermediate_size=48, max_position_embeddings=16)
model = BertForSequenceClassification(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(Messages(lines(510)), batch_size=30, shuffle=True)
for epoch in range(4):
    for batch in loader:
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
