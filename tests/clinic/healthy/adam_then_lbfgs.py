import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def residual():
    t = torch.rand(64, 1, requires_grad=True) * 3
    u = net(t)
    du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    t0 = torch.zeros(1, 1)
    return ((du + 2 * u) ** 2).mean() + ((net(t0) - 1) ** 2).mean()


adam = torch.optim.Adam(net.parameters(), lr=1e-3)
for it in range(400):
    adam.zero_grad()
    l = residual()
    l.backward()
    adam.step()
    if it % 100 == 0:
        print(it, l.item())
t_fix = torch.linspace(0, 3, 100).view(-1, 1).requires_grad_(True)
lb = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe")


def closure():
    lb.zero_grad()
    u = net(t_fix)
    du = torch.autograd.grad(u.sum(), t_fix, create_graph=True)[0]
    l = ((du + 2 * u) ** 2).mean() + ((net(torch.zeros(1, 1)) - 1) ** 2).mean()
    l.backward()
    return l


for it in range(20):
    print("lbfgs", it, lb.step(closure).item())
