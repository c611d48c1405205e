import math

import torch
from torch import nn

torch.manual_seed(83)


class PositionalEncoding(nn.Module):
    def __init__(self, width, longest=200):
        super().__init__()
        position = torch.arange(longest).unsqueeze(1)
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        pe = torch.zeros(longest, 1, width)
        pe[:, 0, 0::2], pe[:, 0, 1::2] = torch.sin(position * rate), torch.cos(position * rate)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[: x.size(0)]


class TransformerModel(nn.Module):
    """Ids are [time, batch], as in the word language model tutorial."""

    def __init__(self, vocab, width=48, heads=4, layers=2):
        super().__init__()
        self.width = width
        self.encoder = nn.Embedding(vocab, width)
        self.positions = PositionalEncoding(width)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, 96, 0.1), layers, enable_nested_tensor=False)
        self.decoder = nn.Linear(width, vocab)

    def forward(self, src):
        mask = nn.Transformer.generate_square_subsequent_mask(len(src))
        x = self.positions(self.encoder(src) * math.sqrt(self.width))
        return self.decoder(self.blocks(x, mask))


VOCAB, BPTT = 40, 25
table = torch.softmax(2.5 * torch.randn(VOCAB, VOCAB), 1)
text = [0]
for _ in range(24000):
    text.append(int(torch.multinomial(table[text[-1]], 1)))
data = torch.tensor(text[:24000]).view(20, -1).t().contiguous()

model = TransformerModel(VOCAB)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    model.train()
    total = 0.0
    for i in range(0, data.size(0) - 1 - BPTT, BPTT):
        source, target = data[i : i + BPTT], data[i + 1 : i + 1 + BPTT].reshape(-1)
        optimizer.zero_grad()
        loss = criterion(model(source).view(-1, VOCAB), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} perplexity {math.exp(total / (data.size(0) // BPTT)):.2f}")
