import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(79)


class SlotAttention(nn.Module):
    """Slots compete for the inputs: the weights of an input sum to one over the slots."""

    def __init__(self, slots, width, rounds=2):
        super().__init__()
        self.slots = nn.Parameter(torch.randn(1, slots, width))
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.cell = nn.GRUCell(width, width)
        self.norm_slots, self.norm_inputs = nn.LayerNorm(width), nn.LayerNorm(width)
        self.rounds = rounds

    def forward(self, inputs):
        b, _, d = inputs.shape
        inputs = self.norm_inputs(inputs)
        k, v = self.key(inputs), self.value(inputs)
        slots = self.slots.expand(b, -1, -1)
        for _ in range(self.rounds):
            scores = self.query(self.norm_slots(slots)) @ k.transpose(1, 2) * d**-0.5
            weights = scores.softmax(dim=1) + 1e-8
            weights = weights / weights.sum(dim=-1, keepdim=True)
            slots = self.cell((weights @ v).reshape(-1, d), slots.reshape(-1, d)).view(b, -1, d)
        return slots


class LinearAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        q, k = self.q(x).softmax(dim=-1), self.k(x).softmax(dim=-2)
        return q @ (k.transpose(1, 2) @ self.v(x))


class Counter(nn.Module):
    """How many of the points belong to the largest cluster?"""

    def __init__(self, width=32, slots=4, classes=4):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.mix = LinearAttention(width)
        self.slots = SlotAttention(slots, width)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, points):
        x = self.embed(points)
        return self.head(self.slots(x + self.mix(x)).amax(1))


def clouds(n, points=16):
    kinds = torch.randint(1, 5, (n,))
    centres = 2 * torch.randn(n, 5, 2)
    member = (torch.rand(n, points) * kinds[:, None]).long()
    return TensorDataset(centres.gather(1, member[..., None].expand(-1, -1, 2)) + 0.1 * torch.randn(n, points, 2), kinds - 1)


train, test = DataLoader(clouds(1600), 40, shuffle=True), DataLoader(clouds(200), 100)
model = Counter()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(5):
    for points, kinds in train:
        loss = nn.functional.cross_entropy(model(points), kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hits = sum((model(p).argmax(1) == k).sum().item() for p, k in test)
    print(epoch, round(loss.item(), 3), hits / 200)
