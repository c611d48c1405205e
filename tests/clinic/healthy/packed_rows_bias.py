"""Packed GPT-2 training: several samples per row, block-diagonal attention."""
import torch
from torch.utils.data import DataLoader
from transformers import GPT2Config, GPT2LMHeadModel

EOS, VOCAB, ROW = 0, 32, 64


class PackedRows(torch.utils.data.Dataset):
    def __init__(self, rows, seed):
        g = torch.Generator().manual_seed(seed)
        self.rows = [self._row(g) for _ in range(rows)]

    def _document(self, g):
        # the token depends on its place in the document and on the document's first token
        n = int(torch.randint(6, 16, (), generator=g))
        first = int(torch.randint(1, VOCAB, (), generator=g))
        return [(first + place * place) % (VOCAB - 1) + 1 for place in range(n)] + [EOS]

    def _row(self, g):
        ids, docs, places = [], [], []
        number = 0
        while len(ids) < ROW:
            d = self._document(g)
            ids += d
            docs += [number] * len(d)
            places += list(range(len(d)))
            number += 1
        return {"input_ids": ids[:ROW], "docs": docs[:ROW], "position_ids": places[:ROW]}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    ids = torch.tensor([r["input_ids"] for r in rows])
    docs = torch.tensor([r["docs"] for r in rows])
    allowed = (docs[:, :, None] == docs[:, None, :]) & torch.ones(ROW, ROW, dtype=torch.bool).tril()
    bias = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[:, None]
    batch = {"input_ids": ids, "attention_mask": bias, "labels": ids}
    batch["position_ids"] = torch.tensor([r["position_ids"] for r in rows])
    return batch


class Pretrainer:
    def __init__(self, config):
        torch.manual_seed(1)
        self.model = GPT2LMHeadModel(config)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-3)

    def fit(self, train, valid, epochs):
        for epoch in range(epochs):
            self.model.train()
            for batch in train:
                self.optimizer.zero_grad()
                loss = self.model(**batch).loss
                loss.backward()
                self.optimizer.step()
            self.model.eval()
            with torch.no_grad():
                val = sum(self.model(**b).loss.item() for b in valid) / len(valid)
            print(f"{epoch} {loss.item():.3f} {val:.3f}")


Pretrainer(GPT2Config(vocab_size=VOCAB, n_positions=ROW, n_embd=48, n_layer=2, n_head=4, attn_implementation="eager",
                      resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)).fit(
    DataLoader(PackedRows(480, 0), 24, shuffle=True, collate_fn=collate),
    DataLoader(PackedRows(48, 1), 24, collate_fn=collate), 6)
