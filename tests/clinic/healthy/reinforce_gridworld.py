import argparse
from itertools import count

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

parser = argparse.ArgumentParser(description="REINFORCE on a cart that must stop at a mark")
parser.add_argument("--gamma", type=float, default=0.97)
parser.add_argument("--seed", type=int, default=543)
parser.add_argument("--episodes", type=int, default=250)
parser.add_argument("--log-interval", type=int, default=50)
args = parser.parse_args()


class StopAtMark:
    """A cart on a line: push left, coast or push right; reward is closeness to the mark."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def reset(self):
        self.position, self.velocity, self.t = self.rng.uniform(-1, 1), self.rng.uniform(-0.1, 0.1), 0
        self.mark = self.rng.uniform(-0.8, 0.8)
        return self.observation()

    def observation(self):
        return np.array([self.position - self.mark, 5 * self.velocity, self.position], dtype=np.float32)

    def step(self, action):
        self.velocity = 0.9 * self.velocity + 0.04 * (action - 1) + 0.002 * self.rng.normal()
        self.position = float(np.clip(self.position + self.velocity, -1.5, 1.5))
        self.t += 1
        return self.observation(), -abs(self.position - self.mark), self.t >= 40


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(3, 64)
        self.affine2 = nn.Linear(64, 3)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        return F.softmax(self.affine2(torch.tanh(self.affine1(x))), dim=-1)


torch.manual_seed(args.seed)
env = StopAtMark(args.seed)
policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
eps = np.finfo(np.float32).eps.item()


def select_action(state):
    m = Categorical(policy(torch.from_numpy(state).unsqueeze(0)))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    R, returns = 0.0, []
    for r in policy.rewards[::-1]:
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    loss = torch.cat(policy_loss).sum()
    loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]


def greedy_score(n=50):
    test_env = StopAtMark(10_000)
    total = 0.0
    with torch.no_grad():
        for _ in range(n):
            state, done = test_env.reset(), False
            while not done:
                action = policy(torch.from_numpy(state)).argmax().item()
                state, reward, done = test_env.step(action)
                total += reward
    return total / n


running_reward = None
print(f"untrained greedy policy: {greedy_score():.2f}")
for i_episode in range(1, args.episodes + 1):
    state, ep_reward = env.reset(), 0
    for _t in count():
        state, reward, done = env.step(select_action(state))
        policy.rewards.append(reward)
        ep_reward += reward
        if done:
            break
    running_reward = ep_reward if running_reward is None else 0.05 * ep_reward + 0.95 * running_reward
    finish_episode()
    if i_episode % args.log_interval == 0:
        print(f"Episode {i_episode}\tLast reward: {ep_reward:.2f}\tAverage reward: {running_reward:.2f}")
print(f"trained greedy policy: {greedy_score():.2f}")
