"""Advantage actor-critic with separate networks and optimizers on a noisy pendulum-like task."""

import math
import random

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Normal

random.seed(0)
np.random.seed(0)
torch.manual_seed(0)


class Balance:
    """Many rods at once: angle and velocity per rod; a torque should keep each upright."""

    def __init__(self, n, seed):
        self.rng, self.n = np.random.default_rng(seed), n

    def reset(self):
        self.angle = self.rng.uniform(-0.6, 0.6, self.n)
        self.velocity = self.rng.uniform(-0.5, 0.5, self.n)
        return self.obs()

    def obs(self):
        return torch.tensor(np.stack([np.sin(self.angle), np.cos(self.angle) - 0.9, self.velocity], 1), dtype=torch.float32)

    def step(self, torque):
        torque = np.clip(torque, -3, 3)
        self.velocity += 0.1 * (2.0 * np.sin(self.angle) + torque) + 0.02 * self.rng.normal(size=self.n)
        self.angle = np.clip(self.angle + 0.1 * self.velocity, -math.pi, math.pi)
        reward = np.cos(self.angle) - 0.02 * self.velocity**2 - 0.01 * torque**2
        return self.obs(), torch.tensor(reward, dtype=torch.float32)


def mlp(out):
    return nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, out))


actor, critic = mlp(1), mlp(1)
log_std = nn.Parameter(torch.zeros(1))
actor_opt = torch.optim.Adam([*actor.parameters(), log_std], lr=4e-3)
critic_opt = torch.optim.Adam(critic.parameters(), lr=8e-3)
gamma, horizon, envs = 0.95, 30, Balance(32, seed=1)


def test_score():
    env = Balance(64, seed=99)
    obs, total = env.reset(), 0.0
    with torch.no_grad():
        for _ in range(60):
            obs, reward = env.step(actor(obs).squeeze(-1).numpy())
            total += reward.mean().item() / 60
    return total


print(f"before: mean reward per step {test_score():.3f} (best possible is near 1)")
for update in range(120):
    obs = envs.reset()
    states, logps, rewards = [], [], []
    for _ in range(horizon):
        dist = Normal(actor(obs).squeeze(-1), log_std.exp())
        action = dist.sample()
        states.append(obs)
        logps.append(dist.log_prob(action))
        obs, reward = envs.step(action.numpy())
        rewards.append((1 - gamma) * reward)
    with torch.no_grad():
        ret = critic(obs).squeeze(-1)
    returns = []
    for reward in reversed(rewards):
        ret = reward + gamma * ret
        returns.insert(0, ret)
    returns = torch.stack(returns)
    values = critic(torch.stack(states)).squeeze(-1)
    advantage = (returns - values).detach()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)

    critic_loss = (returns - values).pow(2).mean()
    critic_opt.zero_grad()
    critic_loss.backward()
    critic_opt.step()

    actor_loss = -(torch.stack(logps) * advantage).mean() - 0.001 * log_std.sum()
    actor_opt.zero_grad()
    actor_loss.backward()
    actor_opt.step()
    if update % 30 == 29:
        print(f"update {update + 1}: critic loss {critic_loss.item():.3f}, test reward per step {test_score():.3f}")
