import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)


class ResidualConv(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.gate = nn.Conv1d(width, 2 * width, 3, dilation=dilation, padding=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x):
        a, b = self.gate(x).chunk(2, dim=1)
        return x + self.mix(torch.tanh(a) * torch.sigmoid(b))


class AudioNet(nn.Module):
    def __init__(self, width=24, depth=4, classes=5):
        super().__init__()
        self.stem = nn.Conv1d(1, width, 5, stride=2, padding=2)
        self.blocks = [ResidualConv(width, 2**i) for i in range(depth)]
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(-1))


def tones(n):
    kind = torch.randint(0, 5, (n,))
    t = torch.arange(160) / 160
    f = 4 + 5 * kind[:, None] + torch.rand(n, 1)
    wave = torch.sin(6.283 * f * t + 6.283 * torch.rand(n, 1)) + 0.6 * torch.randn(n, 160)
    return TensorDataset(wave[:, None], kind)


class Experiment:
    def __init__(self, net, rate):
        self.net = net
        self.optimizer = torch.optim.Adam(net.parameters(), lr=rate)
        self.loss = nn.CrossEntropyLoss()

    def epoch(self, loader):
        self.net.train()
        total = 0.0
        for wave, kind in loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.net(wave), kind)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def accuracy(self, loader):
        self.net.eval()
        return sum((self.net(w).argmax(1) == k).sum().item() for w, k in loader) / len(loader.dataset)


experiment = Experiment(AudioNet(), 3e-3)
train, test = DataLoader(tones(1000), 50, shuffle=True), DataLoader(tones(250), 50)
for epoch in range(5):
    print(epoch, experiment.epoch(train), experiment.accuracy(test))
