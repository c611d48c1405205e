import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(71)


class FakeQuantise(nn.Module):
    """Eight bits, with the range of a moving average."""

    def __init__(self):
        super().__init__()
        self.register_buffer("limit", torch.zeros(()))
        self.momentum = 0.1

    def forward(self, x):
        if self.training:
            now = x.detach().abs().max()
            self.limit.copy_(now if self.limit == 0 else (1 - self.momentum) * self.limit + self.momentum * now)
        scale = (self.limit / 127).clamp(min=1e-8)
        return torch.fake_quantize_per_tensor_affine(x, scale, torch.zeros((), dtype=torch.int32), -128, 127)


class QuantLinear(nn.Linear):
    def __init__(self, inner, outer):
        super().__init__(inner, outer)
        self.weight_quant, self.input_quant = FakeQuantise(), FakeQuantise()

    def forward(self, x):
        return nn.functional.linear(self.input_quant(x), self.weight_quant(self.weight), self.bias)


class Keyword(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.layers = nn.Sequential(QuantLinear(40, 64), nn.ReLU6(), QuantLinear(64, 64), nn.ReLU6(), QuantLinear(64, classes))

    def forward(self, x):
        return self.layers(x)


centres = torch.randn(4, 40)
label = torch.randint(0, 4, (2000,))
x = centres[label] + 1.2 * torch.randn(2000, 40)
train = DataLoader(TensorDataset(x[:1600], label[:1600]), batch_size=40, shuffle=True)
test = DataLoader(TensorDataset(x[1600:], label[1600:]), batch_size=100)
model = Keyword()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(4):
    model.train()
    for xb, yb in train:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(a).argmax(1) == b).sum().item() for a, b in test)
    print(epoch, round(loss.item(), 3), hits / 400)
integer = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 4)), {nn.Linear})
print(integer(x[:2]).shape)
