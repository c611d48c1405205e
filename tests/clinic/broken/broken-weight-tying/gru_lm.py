import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(47)


class WordLM(nn.Module):
    """Input and output embedding are shared."""

    def __init__(self, vocab=80, width=48, tie_weights=True):
        super().__init__()
        self.encoder = nn.Embedding(vocab, width)
        self.rnn = nn.GRU(width, width, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(width, vocab)
        if tie_weights:
            self.decoder.weight = self.encoder.weight
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        self.encoder.weight = nn.Parameter(torch.empty_like(self.encoder.weight).uniform_(-initrange, initrange))
        nn.init.zeros_(self.decoder.bias)

    def forward(self, ids):
        return self.decoder(self.rnn(self.encoder(ids))[0])


table = torch.softmax(3 * torch.randn(80, 80), 1)
text = torch.empty(400, 31, dtype=torch.long)
text[:, 0] = torch.randint(0, 80, (400,))
for t in range(1, 31):
    text[:, t] = torch.multinomial(table[text[:, t - 1]], 1)[:, 0]

model = WordLM()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
loader = DataLoader(TensorDataset(text[:, :-1], text[:, 1:]), batch_size=20, shuffle=True)
for epoch in range(5):
    for ids, following in loader:
        loss = nn.functional.cross_entropy(model(ids).transpose(1, 2), following)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch} perplexity {loss.exp().item():.1f}")
