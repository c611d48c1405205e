"""TD3-like continuous control with delayed policy updates, on a small point-mass task."""

import copy
import random
from collections import deque
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Point:
    def reset(self):
        self.p = np.random.uniform(-1, 1, 2).astype(np.float32)
        self.t = 0
        return self.p.copy()

    def step(self, a):
        self.p = np.clip(self.p + 0.2 * np.asarray(a, dtype=np.float32), -1.5, 1.5)
        self.t += 1
        return self.p.copy(), -float(np.linalg.norm(self.p)), self.t >= 20


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2), nn.Tanh()
        )

    def forward(self, s):
        return self.net(s)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        mk = lambda: nn.Sequential(
            nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )
        self.q1, self.q2 = mk(), mk()

    def forward(self, s, a):
        sa = torch.cat([s, a], 1)
        return self.q1(sa), self.q2(sa)


class TD3:
    def __init__(self, delay=2):
        self.actor, self.critic = Actor(), Critic()
        self.actor_t, self.critic_t = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        self.a_opt = torch.optim.Adam(self.actor.parameters(), lr=1e-3)
        self.c_opt = torch.optim.Adam(self.critic.parameters(), lr=1e-3)
        self.delay, self.it = delay, 0

    def train(self, batch):
        self.it += 1
        s, a, r, s2, d = batch
        with torch.no_grad():
            noise = (0.1 * torch.randn_like(a)).clamp(-0.3, 0.3)
            a2 = (self.actor_t(s2) + noise).clamp(-1, 1)
            q1, q2 = self.critic_t(s2, a2)
            y = r + 0.95 * (1 - d) * torch.min(q1, q2)
        q1, q2 = self.critic(s, a)
        c_loss = F.mse_loss(q1, y) + F.mse_loss(q2, y)
        self.c_opt.zero_grad()
        c_loss.backward()
        self.c_opt.step()
        if self.it % self.delay == 0:
            a_loss = -self.critic(s, self.actor(s))[0].mean()
            self.a_opt.zero_grad()
            a_loss.backward()
            self.a_opt.step()
            for net, tgt in ((self.actor, self.actor_t), (self.critic, self.critic_t)):
                for p, q in zip(net.parameters(), tgt.parameters()):
                    q.data.mul_(0.99).add_(0.01 * p.data)


def main():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    env, agent, buf = Point(), TD3(), deque(maxlen=10000)
    for ep in range(120):
        s, done, tot = env.reset(), False, 0.0
        while not done:
            with torch.no_grad():
                a = agent.actor(torch.from_numpy(s)[None])[0].numpy()
            a = np.clip(a + 0.3 * np.random.randn(2), -1, 1).astype(np.float32)
            s2, r, done = env.step(a)
            buf.append((s, a, r, s2, 0.0))
            s, tot = s2, tot + r
            if len(buf) >= 200:
                b = random.sample(buf, 64)
                agent.train(
                    [
                        torch.tensor(np.array(c), dtype=torch.float32).reshape(64, -1)
                        for c in zip(*b)
                    ]
                )
        if ep % 20 == 0:
            print(ep, round(tot, 2))


main()
