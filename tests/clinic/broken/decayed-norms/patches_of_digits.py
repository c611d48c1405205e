import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.between = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens):
        seen = self.before(tokens)
        tokens = tokens + self.attention(seen, seen, seen, need_weights=False)[0]
        return tokens + self.mlp(self.between(tokens))


class PatchNet(nn.Module):
    def __init__(self, width=32, depth=2):
        super().__init__()
        self.cut = nn.Conv2d(1, width, 2, stride=2)
        self.places = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, 4) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 10)

    def forward(self, picture):
        tokens = self.cut(picture).flatten(2).transpose(1, 2) + self.places
        return self.out(self.norm(self.blocks(tokens)).mean(1))


digits = load_digits()
pictures = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
parts = train_test_split(pictures, torch.tensor(digits.target), test_size=0.2, random_state=0)
train = DataLoader(TensorDataset(parts[0], parts[2]), batch_size=64, shuffle=True)
test = DataLoader(TensorDataset(parts[1], parts[3]), batch_size=128)
net = PatchNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.3)
for epoch in range(8):
    net.train()
    for images, labels in train:
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = sum((net(images).argmax(1) == labels).sum().item() for images, labels in test)
    print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {hits / len(parts[3]):.3f}")
