"""Gestures from six sensors: a recurrent network of which one part is compiled to TorchScript."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

torch.manual_seed(5)


class Gate(nn.Module):
    def __init__(self, width: int, steps: int):
        super().__init__()
        self.open = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(steps)

    def forward(self, states):
        return self.norm(torch.sigmoid(self.open(states)) * states)


class Gestures(nn.Module):
    def __init__(self, sensors=6, width=24, steps=20, kinds=3):
        super().__init__()
        self.reader = nn.GRU(sensors, width, batch_first=True)
        self.gate = torch.jit.script(Gate(width, steps))
        self.kinds = nn.Linear(width, kinds)

    def forward(self, readings):
        return self.kinds(self.gate(self.reader(readings)[0]).mean(1))


def gestures(count):
    kinds = torch.randint(0, 3, (count,))
    time = torch.linspace(0, 6.28, 20)
    wave = torch.sin(time * (kinds + 1)[:, None] + torch.rand(count, 1) * 6.28)
    return torch.randn(count, 20, 6) * 0.4 + wave[:, :, None], kinds


with torch.device("meta"):
    print("weights", sum(p.numel() for p in Gestures().kinds.parameters()))
model = Gestures()
with FlopCounterMode(display=False) as counter:
    model(torch.randn(4, 20, 6))
print("operations", counter.get_total_flops())
readings, kinds = gestures(900)
train = DataLoader(TensorDataset(readings[:700], kinds[:700]), batch_size=35, shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(6):
    model.train()
    for batch, wanted in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(batch), wanted)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        right = (model(readings[700:]).argmax(1) == kinds[700:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {right:.3f}")
