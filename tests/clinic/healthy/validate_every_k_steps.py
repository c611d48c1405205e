import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

K_EVAL = 20
CHARS = "abcdefghijklmnopqrstuvwxyz"


def make_names(n, seed):
    """Invented surnames of four 'languages', told apart by endings and vowels (with exceptions)."""
    g = torch.Generator().manual_seed(seed)

    def pick(options):
        return options[torch.randint(len(options), (1,), generator=g).item()]

    styles = [
        (["ka", "mo", "ri", "ta", "no", "shi", "ha"], ["moto", "kawa", "yama", "da"]),
        (["al", "ber", "ro", "sal", "mar", "fer", "gi"], ["ini", "etti", "ano", "ucci"]),
        (["petr", "iv", "nik", "vol", "sok", "dim", "bor"], ["ov", "enko", "sky", "evich"]),
        (["mac", "don", "fer", "gus", "cam", "rob", "sin"], ["son", "ley", "ton", "man"]),
    ]
    names = {}
    while len(names) < n:
        label = torch.randint(4, (1,), generator=g).item()
        heads, tails = styles[label]
        if torch.rand(1, generator=g).item() < 0.15:
            tails = styles[torch.randint(4, (1,), generator=g).item()][1]
        stem = "".join(pick(heads) for _ in range(torch.randint(1, 4, (1,), generator=g).item()))
        letter = pick(CHARS)
        names.setdefault(stem + letter + pick(tails), label)
    return list(names.items())


class NameDataset(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        name, label = self.rows[i]
        return torch.tensor([CHARS.index(c) + 1 for c in name]), label


def collate(batch):
    ids = nn.utils.rnn.pad_sequence([b[0] for b in batch], batch_first=True)
    lengths = torch.tensor([len(b[0]) for b in batch])
    return ids, lengths, torch.tensor([b[1] for b in batch])


class CharGRU(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(27, 24, padding_idx=0)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 4)

    def forward(self, ids, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.emb(ids), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.out(h[-1])


def validate(model, loader):
    model.eval()
    loss_sum, right, count = 0.0, 0, 0
    with torch.no_grad():
        for ids, lengths, labels in loader:
            logits = model(ids, lengths)
            loss_sum += F.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(-1) == labels).sum().item()
            count += len(labels)
    model.train()
    return loss_sum / count, right / count


def main():
    torch.manual_seed(21)
    rows = make_names(1600, seed=4)
    train_loader = DataLoader(NameDataset(rows[:1300]), batch_size=32, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(NameDataset(rows[1300:]), batch_size=100, collate_fn=collate)
    model = CharGRU()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    global_step = 0
    model.train()
    for epoch in range(4):
        for ids, lengths, labels in train_loader:
            loss = F.cross_entropy(model(ids, lengths), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            global_step += 1
            if global_step % K_EVAL == 0:
                val_loss, val_acc = validate(model, val_loader)
                print(f"[{global_step}] train {loss.item():.3f} val {val_loss:.3f} acc {val_acc:.3f}")


if __name__ == "__main__":
    main()
