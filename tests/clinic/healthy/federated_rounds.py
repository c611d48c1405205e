"""FedAvg over five clients on digits; every client builds its optimizer anew for each round."""

import copy
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def client_update(model, x, y, epochs=1, bs=32, lr=1e-3):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    for _ in range(epochs):
        for idx in torch.randperm(len(x)).split(bs):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
    return model.state_dict(), len(x)


def average(states):
    total = sum(n for _, n in states)
    return {k: sum(s[k] * (n / total) for s, n in states) for k in states[0][0]}


def main(rounds=15, clients=5):
    torch.manual_seed(0)
    d = load_digits()
    x, y = torch.tensor(d.data / 16).float(), torch.tensor(d.target)
    perm = torch.randperm(len(x))
    x, y = x[perm], y[perm]
    xt, yt = x[1500:], y[1500:]
    parts = [(x[k:1500:clients], y[k:1500:clients]) for k in range(clients)]
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    local = copy.deepcopy(net)
    for r in range(rounds):
        states = []
        for px, py in parts:
            local.load_state_dict(net.state_dict())
            sd, n = client_update(local, px, py)
            states.append(({k: v.clone() for k, v in sd.items()}, n))
        net.load_state_dict(average(states))
        net.eval()
        with torch.no_grad():
            print(r, (net(xt).argmax(1) == yt).float().mean().item())


if __name__ == "__main__":
    main()
