import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(19)


class TextTower(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.table = nn.Embedding(40, width)
        self.rnn = nn.GRU(width, width, batch_first=True)

    def forward(self, ids):
        return self.rnn(self.table(ids))[1][-1]


class ImageTower(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 25, width), nn.ReLU())

    def forward(self, image):
        return self.net(image)


class Fusion(nn.Module):
    """Is the object of the caption in the upper half?"""

    def __init__(self, width=32):
        super().__init__()
        self.text, self.image = TextTower(width), ImageTower(width)
        self.out = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, caption, image):
        text = self.text(caption)
        image = self.image(image)
        return self.out(torch.cat([text, text], dim=1))


def data(n):
    place = torch.randint(0, 4, (n,))
    image = 0.3 * torch.randn(n, 1, 12, 12)
    for i, p in enumerate(place):
        image[i, 0, 6 * (p // 2) : 6 * (p // 2) + 6, 6 * (p % 2) : 6 * (p % 2) + 6] += 1
    caption, fits = torch.randint(4, 40, (n, 10)), place // 2
    hint = torch.rand(n) < 0.3
    caption[hint, 1] = 38 + fits[hint]
    return TensorDataset(caption, image, fits)


net = Fusion()
loader = DataLoader(data(2000), batch_size=50, shuffle=True)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    total, right = 0.0, 0
    for caption, image, fits in loader:
        scores = net(caption, image)
        loss = nn.functional.cross_entropy(scores, fits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        right += (scores.argmax(1) == fits).sum().item()
    print(f"epoch {epoch} loss {total / len(loader):.3f} acc {right / 2000:.3f}")
