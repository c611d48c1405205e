"""Which activation for a wide network on digits? Look at the first gradients, then train each."""

import copy

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class Network(nn.Module):
    def __init__(self, activation, sizes=(64, 96, 48, 10)):
        super().__init__()
        layers = []
        for inner, outer in zip(sizes[:-2], sizes[1:-1]):
            layers += [nn.Linear(inner, outer), activation()]
        self.layers = nn.Sequential(*layers, nn.Linear(*sizes[-2:]))

    def forward(self, pictures):
        return self.layers(pictures)


def first_gradients(network, data):
    network.eval()
    pictures, labels = next(iter(DataLoader(data, batch_size=256)))
    network.zero_grad()
    nn.functional.cross_entropy(network(pictures), labels).backward()
    norms = {n: p.grad.norm().item() for n, p in network.named_parameters() if "weight" in n}
    network.zero_grad()
    return norms


def train(network, data, held_out, epochs=8, rate=0.1):
    torch.jit.trace(copy.deepcopy(network).eval(), held_out[0][:2])  # the drawing of the graph
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    for epoch in range(epochs):
        network.train()
        for pictures, labels in DataLoader(data, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(pictures), labels)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            right = (network(held_out[0]).argmax(1) == held_out[1]).float().mean().item()
        print(f"  epoch {epoch}: loss {loss.item():.3f}, held-out accuracy {right:.3f}")


digits = load_digits()
pictures = torch.tensor(digits.data, dtype=torch.float32) / 8 - 1
parts = train_test_split(pictures, torch.tensor(digits.target), test_size=0.2, random_state=1)
data, held_out = TensorDataset(parts[0], parts[2]), (parts[1], parts[3])
for name, activation in ACTIVATIONS.items():
    torch.manual_seed(42)
    print(name, first_gradients(Network(activation), data))
for name, activation in ACTIVATIONS.items():
    torch.manual_seed(42)
    print(name)
    train(Network(activation), data, held_out)
