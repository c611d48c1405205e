import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(11)
WORDS = [f"w{i}" for i in range(300)]
index = {word: i + 1 for i, word in enumerate(WORDS)}


def report(number):
    generator = torch.Generator().manual_seed(number)
    length = int(torch.randint(20, 130, (1,), generator=generator))
    label = number % 2
    low, high = (0, 200) if label else (100, 300)
    words = [WORDS[int(i)] for i in torch.randint(low, high, (length,), generator=generator)]
    return " ".join(words), label


def collate(rows):
    ids = [torch.tensor([index[w] for w in text.split()]) for text, _ in rows]
    padded = nn.utils.rnn.pad_sequence(ids, batch_first=True)
    return padded, padded != 0, torch.tensor([label for _, label in rows])


class Transformer(nn.Module):
    def __init__(self, words, width=32, max_len=64):
        super().__init__()
        self.embed = nn.Embedding(words, width, padding_idx=0)
        self.pos = nn.Embedding(max_len, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.classify = nn.Linear(width, 2)

    def forward(self, ids, mask):
        pos = torch.arange(ids.size(1), device=ids.device).unsqueeze(0).repeat(ids.size(0), 1)
        h = self.encoder(self.embed(ids) + self.pos(pos), src_key_padding_mask=~mask)
        mean = (h * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return self.classify(mean)


train = [report(i) for i in range(600)]
loader = DataLoader(train, batch_size=16, shuffle=True, collate_fn=collate)
net = Transformer(len(WORDS) + 1)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(3):
    for ids, mask, labels in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(ids, mask), labels)
        loss.backward()
        opt.step()
    print(epoch, loss.item())
