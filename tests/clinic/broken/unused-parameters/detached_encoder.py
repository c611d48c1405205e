import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)


class PatchEncoder(nn.Module):
    def __init__(self, width=48, patch=4, size=16):
        super().__init__()
        self.cut = nn.Conv2d(1, width, patch, stride=patch)
        self.place = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2, width))
        layer = nn.TransformerEncoderLayer(width, 4, 96, 0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, image):
        return self.layers(self.cut(image).flatten(2).transpose(1, 2) + self.place)


class ViT(nn.Module):
    def __init__(self, width=48, classes=4):
        super().__init__()
        self.encoder = PatchEncoder(width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, image):
        tokens = self.encoder(image)
        tokens = torch.tensor(tokens.tolist())
        return self.head(self.norm(tokens.mean(1)))


def shapes(n):
    kind = torch.randint(0, 4, (n,))
    yy, xx = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    r, c = torch.randint(4, 12, (n, 1, 1)), torch.randint(4, 12, (n, 1, 1))
    dy, dx = yy - r, xx - c
    bars = torch.stack([dy.abs() < 1, dx.abs() < 1, (dy - dx).abs() < 1, (dy + dx).abs() < 1], 1).float()
    near = ((dy**2 + dx**2) < 20).float()
    image = bars[torch.arange(n), kind] * near + 0.2 * torch.randn(n, 16, 16)
    return TensorDataset(image[:, None], kind)


train, test = DataLoader(shapes(1200), 40, shuffle=True), DataLoader(shapes(200), 100)
vit = ViT()
optimizer = torch.optim.AdamW(vit.parameters(), lr=2e-3, weight_decay=0.02)
step = 0
for epoch in range(5):
    vit.train()
    for image, kind in train:
        loss = nn.functional.cross_entropy(vit(image), kind)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    vit.eval()
    with torch.inference_mode():
        accuracy = torch.cat([vit(i).argmax(1) == k for i, k in test]).float().mean()
    print(f"step {step} loss {loss:.3f} accuracy {accuracy:.3f}")
