import argparse
import random
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader
from transformers import get_cosine_schedule_with_warmup

PAD, BOS, EOS = 0, 1, 2


def pairs(n, seed):
    r = random.Random(seed)
    out = []
    for _ in range(n):
        s = [r.randint(3, 14) for _ in range(r.randint(3, 8))]
        out.append((s, sorted(s)))
    return out


def collate(rows):
    src = nn.utils.rnn.pad_sequence(
        [torch.tensor(a) for a, _ in rows], batch_first=True, padding_value=PAD
    )
    tgt = nn.utils.rnn.pad_sequence(
        [torch.tensor([BOS, *b, EOS]) for _, b in rows], batch_first=True, padding_value=PAD
    )
    return src, tgt


class Sorter(nn.Module):
    def __init__(self, vocab=15, d=64):
        super().__init__()
        self.emb = nn.Embedding(vocab, d, padding_idx=PAD)
        self.pos = nn.Embedding(16, d)
        self.core = nn.Transformer(d, 4, 2, 2, 128, dropout=0.0, batch_first=True)
        self.out = nn.Linear(d, vocab)

    def embed(self, x):
        return self.emb(x) + self.pos(torch.arange(x.size(1), device=x.device))

    def forward(self, src, tgt):
        mask = torch.triu(
            torch.ones(tgt.size(1), tgt.size(1), dtype=torch.bool, device=tgt.device), 1
        )
        h = self.core(
            self.embed(src),
            self.embed(tgt),
            tgt_mask=mask,
            src_key_padding_mask=src == PAD,
            tgt_key_padding_mask=tgt == PAD,
            memory_key_padding_mask=src == PAD,
        )
        return self.out(h)


def train_step(accelerator, model, optimizer, scheduler, batch, criterion):
    src, tgt = batch
    logits = model(src, tgt[:, :-1])
    loss = criterion(logits.reshape(-1, logits.size(-1)), tgt[:, 1:].reshape(-1))
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
    return loss.item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--batch-size", type=int, default=32)
    a = p.parse_args()
    torch.manual_seed(5)
    accelerator = Accelerator(cpu=True)
    train = DataLoader(pairs(1600, 1), a.batch_size, shuffle=True, collate_fn=collate)
    dev = DataLoader(pairs(200, 2), 100, collate_fn=collate)
    model = Sorter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=a.lr)
    scheduler = get_cosine_schedule_with_warmup(optimizer, 20, len(train) * a.epochs)
    model, optimizer, train, dev, scheduler = accelerator.prepare(
        model, optimizer, train, dev, scheduler
    )
    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    for epoch in range(a.epochs):
        model.train()
        losses = []
        for batch in train:
            losses.append(train_step(accelerator, model, optimizer, scheduler, batch, criterion))
            scheduler.step()
        model.eval()
        hit = tot = 0
        with torch.no_grad():
            for src, tgt in dev:
                guess = model(src, tgt[:, :-1]).argmax(-1)
                real = tgt[:, 1:] != PAD
                hit += ((guess == tgt[:, 1:]) & real).sum().item()
                tot += real.sum().item()
        accelerator.print(epoch, sum(losses) / len(losses), hit / tot, scheduler.get_last_lr())


if __name__ == "__main__":
    main()
