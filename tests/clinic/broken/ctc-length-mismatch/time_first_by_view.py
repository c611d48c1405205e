# Morse-like key presses to letters: LSTM over frames, loss from torch.nn.functional.
import torch
import torch.nn.functional as F
from torch import nn, optim

torch.manual_seed(9)
LETTERS, FRAMES, BATCH = 5, 40, 16
patterns = torch.randn(LETTERS, 4)


def batch():
    counts = torch.randint(2, 5, (BATCH,))
    signal = 0.2 * torch.randn(BATCH, FRAMES, 4)
    letters = []
    for row, count in enumerate(counts.tolist()):
        at = int(torch.randint(0, 4, ()))
        for letter in torch.randint(0, LETTERS, (count,)).tolist():
            width = int(torch.randint(5, 8, ()))
            signal[row, at : at + width] += patterns[letter]
            at += width + 1
            letters.append(letter + 1)
    return signal, torch.tensor(letters), counts


class Keyer(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.lstm = nn.LSTM(4, hidden, batch_first=True, bidirectional=True)
        self.letters = nn.Linear(2 * hidden, LETTERS + 1)

    def forward(self, signal):
        hidden, _ = self.lstm(signal)
        scores = F.log_softmax(self.letters(hidden), dim=-1)
        return scores.view(signal.size(1), signal.size(0), -1)


model = Keyer()
optimizer = optim.Adam(model.parameters(), lr=3e-3)
lengths = torch.full((BATCH,), FRAMES)
for update in range(250):
    signal, letters, counts = batch()
    loss = F.ctc_loss(model(signal), letters, lengths, counts)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    if update % 50 == 0:
        print(update, round(loss.item(), 4))
