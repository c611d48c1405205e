"""Yearly salary from years of work, grade and hours, with a loss of its own."""

import torch
from torch import nn
from torch.utils.data import DataLoader


def employees(count):
    rows = []
    for _ in range(count):
        years, grade, hours = (torch.rand(3) * torch.tensor([30.0, 5.0, 1.0])).tolist()
        salary = 24_000 + 900 * years + 6_000 * grade + 8_000 * hours
        rows.append((torch.tensor([years / 30, grade / 5, hours]), torch.tensor([salary])))
    return rows


class SquaredError(nn.Module):
    def forward(self, guess, salary):
        return (guess - salary).pow(2).mean()


def main():
    torch.manual_seed(3)
    loader = DataLoader(employees(600), batch_size=30, shuffle=True)
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = SquaredError()
    for epoch in range(20):
        for person, salary in loader:
            optimizer.zero_grad()
            loss = criterion(model(person), salary)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item() ** 0.5)


main()
