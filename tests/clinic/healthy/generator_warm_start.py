import torch, torch.nn as nn

torch.manual_seed(0)
V, L, B = 12, 8, 32


class G(nn.Module):
    def __init__(s):
        super().__init__()
        s.e = nn.Embedding(V, 16)
        s.r = nn.GRU(16, 32, batch_first=True)
        s.o = nn.Linear(32, V)

    def forward(s, x, h=None):
        y, h = s.r(s.e(x), h)
        return s.o(y), h

    def sample(s, n):
        x = torch.zeros(n, 1, dtype=torch.long)
        h = None
        out = []
        lp = []
        for _ in range(L):
            z, h = s(x, h)
            dist = torch.distributions.Categorical(logits=z[:, -1])
            a = dist.sample()
            lp.append(dist.log_prob(a))
            x = a[:, None]
            out.append(x)
        return torch.cat(out, 1), torch.stack(lp, 1)


class D(nn.Module):
    def __init__(s):
        super().__init__()
        s.e = nn.Embedding(V, 16)
        s.r = nn.GRU(16, 32, batch_first=True)
        s.o = nn.Linear(32, 1)

    def forward(s, x):
        return s.o(s.r(s.e(x))[0][:, -1]).squeeze(1)


def real(n):
    st = torch.randint(0, V, (n, 1))
    return (st + torch.arange(L)) % V


g, d = G(), D()
og, od = torch.optim.Adam(g.parameters(), 5e-3), torch.optim.Adam(d.parameters(), 2e-3)
for i in range(60):
    x = real(B)
    inp = torch.cat([torch.zeros(B, 1, dtype=torch.long), x[:, :-1]], 1)
    og.zero_grad()
    l = nn.functional.cross_entropy(g(inp)[0].transpose(1, 2), x)
    l.backward()
    og.step()
print("pretrained", l.item())
bce = nn.BCEWithLogitsLoss()
for i in range(60):
    with torch.no_grad():
        f, _ = g.sample(B)
    od.zero_grad()
    ld = bce(d(real(B)), torch.ones(B)) + bce(d(f), torch.zeros(B))
    ld.backward()
    od.step()
    s, lp = g.sample(B)
    with torch.no_grad():
        r = torch.sigmoid(d(s))
    og.zero_grad()
    lg = -((r - r.mean())[:, None] * lp).mean()
    lg.backward()
    og.step()
    if i % 20 == 0:
        print(i, ld.item(), lg.item())
