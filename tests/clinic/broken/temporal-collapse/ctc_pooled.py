"""Sign sequence recognition: 1-D convolution encoder, LSTM, CTC."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

VOCAB = 9  # blank + 8 signs


class SignVideos(Dataset):
    def __init__(self, n, shapes, seed, frames=40, joints=18):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(n):
            k = int(torch.randint(2, 5, (1,), generator=g))
            glosses = torch.randint(1, VOCAB, (k,), generator=g)
            video = 0.5 * torch.randn(frames, joints, generator=g)
            width = frames // k
            for i, gloss in enumerate(glosses):
                start = i * width + int(torch.randint(0, 3, (1,), generator=g))
                span = width - 3
                video[start : start + span] += shapes[gloss] * torch.hann_window(span, periodic=False).unsqueeze(1)
            self.items.append((video, glosses))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    videos, glosses = zip(*batch)
    return torch.stack(videos), torch.cat(glosses), torch.tensor([len(g) for g in glosses])


class PoseEncoder(nn.Module):
    def __init__(self, joints, dim):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(joints, 48, 5, padding=2), nn.Conv1d(48, dim, 5, padding=2)
        self.norm1, self.norm2 = nn.BatchNorm1d(48), nn.BatchNorm1d(dim)
        self.pool = nn.AdaptiveAvgPool1d(1)

    def forward(self, x):
        T = x.size(1)
        h = torch.relu(self.norm1(self.conv1(x.transpose(1, 2))))
        h = torch.relu(self.norm2(self.conv2(h)))
        h = self.pool(h).expand(-1, -1, T)
        return h.transpose(1, 2)


class RecognitionModel(nn.Module):
    def __init__(self, joints=18, dim=48, hidden=48):
        super().__init__()
        self.encoder = PoseEncoder(joints, dim)
        self.rnn = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * hidden, VOCAB)

    def forward(self, x):
        h, _ = self.rnn(self.encoder(x))
        return self.classifier(h).log_softmax(-1).transpose(0, 1)


def wer(log_probs, targets, lengths):
    best, errors, total = log_probs.argmax(-1).t(), 0, 0
    for row, ref in zip(best, targets.split(lengths.tolist())):
        hyp = torch.unique_consecutive(row)
        hyp, ref = hyp[hyp != 0].tolist(), ref.tolist()
        d = list(range(len(ref) + 1))
        for i, a in enumerate(hyp, 1):
            prev, d[0] = d[0], i
            for j, b in enumerate(ref, 1):
                prev, d[j] = d[j], min(d[j] + 1, d[j - 1] + 1, prev + (a != b))
        errors, total = errors + d[-1], total + len(ref)
    return errors, total


def main():
    torch.manual_seed(92)
    shapes = 1.5 * torch.randn(VOCAB, 18, generator=torch.Generator().manual_seed(0))
    train_loader = DataLoader(SignVideos(700, shapes, 1), 20, shuffle=True, collate_fn=collate)
    dev_loader = DataLoader(SignVideos(140, shapes, 2), 70, collate_fn=collate)
    model = RecognitionModel()
    ctc = nn.CTCLoss(blank=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        for videos, glosses, lengths in train_loader:
            log_probs = model(videos)
            loss = ctc(log_probs, glosses, torch.full((len(videos),), log_probs.size(0)), lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        model.eval()
        errors = total = 0
        with torch.no_grad():
            for videos, glosses, lengths in dev_loader:
                e, t = wer(model(videos), glosses, lengths)
                errors, total = errors + e, total + t
        print(f"epoch {epoch} loss {loss.item():.4f} WER {100 * errors / total:.1f}%")


if __name__ == "__main__":
    main()
