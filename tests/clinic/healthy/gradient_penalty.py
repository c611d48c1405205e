"""Energy of a spring network: forces are the negative gradient of a predicted energy (double backward)."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(90)


def true_energy(q):
    a, b, c = q.unbind(-1)
    return 0.5 * a**2 + 0.8 * (b - a) ** 2 + 0.3 * b**4 + torch.sin(1.5 * c) * a + 0.4 * c**2


def simulate(n):
    q = (2 * torch.tanh(0.7 * torch.randn(n, 3))).requires_grad_(True)
    energy = true_energy(q)
    (grad,) = torch.autograd.grad(energy.sum(), q)
    return q.detach(), energy.detach(), -grad.detach()


class EnergyModel(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, width), nn.Softplus(), nn.Linear(width, width), nn.Softplus(), nn.Linear(width, 1))

    def forward(self, q):
        with torch.enable_grad():
            q = q.detach().requires_grad_(True)
            energy = self.net(q).squeeze(-1)
            (grad,) = torch.autograd.grad(energy.sum(), q, create_graph=self.training)
        return energy, -grad


q, energy, force = simulate(1600)
e_mean, e_std = energy[:1300].mean(), energy[:1300].std()
energy, force = (energy - e_mean) / e_std, force / e_std
loader = DataLoader(TensorDataset(q[:1300], energy[:1300], force[:1300]), batch_size=50, shuffle=True)
q_val, energy_val, force_val = q[1300:], energy[1300:], force[1300:]
model = EnergyModel()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
mse = nn.MSELoss()

for epoch in range(15):
    model.train()
    for qb, eb, fb in loader:
        optimizer.zero_grad()
        e_hat, f_hat = model(qb)
        loss = mse(e_hat, eb) + mse(f_hat, fb)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    e_hat, f_hat = model(q_val)
    e_err = mse(e_hat.detach(), energy_val) / energy_val.var()
    f_err = mse(f_hat.detach(), force_val) / force_val.var()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, unexplained energy {e_err.item():.4f}, unexplained force {f_err.item():.4f}")
