import torch
from torch import nn

torch.manual_seed(149)


class Controller(nn.Module):
    def __init__(self, state=12, width=256, actions=4):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(state, width), nn.Linear(width, width), nn.Linear(width, width)])
        self.out = nn.Linear(width, actions)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=2.0)

    def forward(self, state):
        for layer in self.layers:
            state = torch.tanh(layer(state))
        return self.out(state)


def demonstrations(n):
    state = torch.randn(n, 12)
    return state, (state[:, :4] + state[:, 4:8] * state[:, 8:]).argmax(1)


policy = Controller()
optimizer = torch.optim.SGD(policy.parameters(), lr=0.02)
states, actions = demonstrations(2000)
for epoch in range(6):
    order = torch.randperm(len(states))
    for i in range(0, len(states), 50):
        rows = order[i : i + 50]
        loss = nn.functional.cross_entropy(policy(states[rows]), actions[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    test, wanted = demonstrations(500)
    with torch.no_grad():
        print(epoch, round(loss.item(), 3), (policy(test).argmax(1) == wanted).float().mean().item())
