import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

BLANK = 0  # silence
N_CLASSES = 7  # six phones + blank
FEATURES = 12


class PhoneDataset(Dataset):
    """Utterances of 3 to 6 phones, each held for 4 to 8 noisy frames."""

    def __init__(self, n, prototypes, generator):
        self.rows = []
        for _ in range(n):
            count = int(torch.randint(3, 7, (1,), generator=generator))
            phones = torch.randint(0, N_CLASSES - 1, (count,), generator=generator)
            frames = []
            for phone in phones:
                held = int(torch.randint(4, 9, (1,), generator=generator))
                noise = 0.6 * torch.randn(held, FEATURES, generator=generator)
                frames.append(prototypes[phone] + noise)
                gap = int(torch.randint(1, 3, (1,), generator=generator))
                frames.append(0.6 * torch.randn(gap, FEATURES, generator=generator))
            self.rows.append((torch.cat(frames), phones))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def collate_fn(batch):
    feats, labels = zip(*batch)
    feat_lens = torch.tensor([len(f) for f in feats])
    label_lens = torch.tensor([len(l) for l in labels])
    return nn.utils.rnn.pad_sequence(feats, batch_first=True), torch.cat(labels), feat_lens, label_lens


class SpeechModel(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.proj = nn.Sequential(nn.Linear(FEATURES, 48), nn.ReLU(), nn.Dropout(0.1))
        self.lstm = nn.LSTM(48, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, N_CLASSES)

    def forward(self, x, lengths):
        x = nn.utils.rnn.pack_padded_sequence(self.proj(x), lengths, batch_first=True, enforce_sorted=False)
        x, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(x)[0], batch_first=True)
        return F.log_softmax(self.fc(x), dim=-1).transpose(0, 1)  # [T, B, C]


def greedy_decode(log_probs, lengths):
    best = log_probs.argmax(-1).t()
    for row, length in zip(best, lengths):
        collapsed = torch.unique_consecutive(row[:length])
        yield collapsed[collapsed != BLANK].tolist()


def edit_distance(a, b):
    d = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        prev, d[0] = d[0], i
        for j, z in enumerate(b, 1):
            prev, d[j] = d[j], min(d[j] + 1, d[j - 1] + 1, prev + (x != z))
    return d[-1]


def main():
    torch.manual_seed(13)
    g = torch.Generator().manual_seed(8)
    prototypes = torch.randn(N_CLASSES, FEATURES, generator=g)
    train_loader = DataLoader(PhoneDataset(640, prototypes, g), 16, shuffle=True, collate_fn=collate_fn)
    valid_loader = DataLoader(PhoneDataset(160, prototypes, g), 80, collate_fn=collate_fn)
    model = SpeechModel()
    ctc = nn.CTCLoss(blank=BLANK, zero_infinity=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    for epoch in range(8):
        model.train()
        for feats, labels, feat_lens, label_lens in train_loader:
            loss = ctc(model(feats, feat_lens), labels, feat_lens, label_lens)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        model.eval()
        errors = total = 0
        with torch.no_grad():
            for feats, labels, feat_lens, label_lens in valid_loader:
                references = labels.split(label_lens.tolist())
                for hyp, ref in zip(greedy_decode(model(feats, feat_lens), feat_lens), references):
                    errors += edit_distance(hyp, ref.tolist())
                    total += len(ref)
        print(f"epoch {epoch} ctc loss {loss.item():.4f} phone error rate {100 * errors / total:.1f}%")


if __name__ == "__main__":
    main()
