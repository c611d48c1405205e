import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader


def make_beats(n, rng, length=40):
    """Heartbeat-like curves of varying width, height and baseline drift."""
    t = np.linspace(0, 1, length)
    beats = []
    for _ in range(n):
        c = rng.normal(0.45, 0.05)
        w = rng.uniform(0.02, 0.05)
        wave = rng.uniform(1.2, 2.2) * np.exp(-((t - c) ** 2) / (2 * w**2))
        wave -= rng.uniform(0.2, 0.6) * np.exp(-((t - c - 0.08) ** 2) / 0.002)
        wave += rng.uniform(0.2, 0.7) * np.exp(-((t - c - 0.3) ** 2) / (2 * rng.uniform(0.04, 0.07) ** 2))
        wave += rng.normal(0, 0.2) * t + 0.04 * rng.normal(size=length)
        beats.append(wave)
    return torch.tensor(np.array(beats), dtype=torch.float32).unsqueeze(-1)


class Encoder(nn.Module):
    def __init__(self, n_features, embedding_dim):
        super().__init__()
        self.rnn = nn.LSTM(n_features, embedding_dim, batch_first=True)

    def forward(self, x):
        _, (hidden, _) = self.rnn(x)
        return hidden[-1]


class Decoder(nn.Module):
    def __init__(self, seq_len, embedding_dim, n_features):
        super().__init__()
        self.seq_len = seq_len
        self.rnn = nn.LSTM(embedding_dim, embedding_dim, batch_first=True)
        self.output_layer = nn.Linear(embedding_dim, n_features)

    def forward(self, z):
        x = z.unsqueeze(1).repeat(1, self.seq_len, 1)
        x, _ = self.rnn(x)
        return self.output_layer(x)


class RecurrentAutoencoder(nn.Module):
    def __init__(self, seq_len, n_features=1, embedding_dim=48):
        super().__init__()
        self.encoder = Encoder(n_features, embedding_dim)
        self.decoder = Decoder(seq_len, embedding_dim, n_features)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def train_model(model, train_loader, val_x, n_epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.MSELoss()
    history = {"train": [], "val": []}
    best_model_wts, best_loss = copy.deepcopy(model.state_dict()), float("inf")
    for epoch in range(1, n_epochs + 1):
        model.train()
        train_losses = []
        for seq_true in train_loader:
            optimizer.zero_grad()
            seq_pred = model(seq_true)
            loss = criterion(seq_pred, seq_true)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            train_losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(val_x), val_x).item()
        history["train"].append(np.mean(train_losses))
        history["val"].append(val_loss)
        if val_loss < best_loss:
            best_loss, best_model_wts = val_loss, model.state_dict()
        if epoch % 5 == 0:
            print(f"Epoch {epoch}: train loss {history['train'][-1]:.4f} val loss {val_loss:.4f}")
    model.load_state_dict(best_model_wts)
    return model.eval(), history


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--lr", type=float, default=8e-3)
    args = parser.parse_args()
    torch.manual_seed(42)
    rng = np.random.default_rng(42)
    beats = make_beats(1100, rng)
    train_x, val_x, test_x = beats[:700], beats[700:900], beats[900:]
    mean, std = train_x.mean(), train_x.std()
    train_x, val_x, test_x = ((s - mean) / std for s in (train_x, val_x, test_x))
    model, _ = train_model(RecurrentAutoencoder(40), DataLoader(train_x, 25, shuffle=True), val_x, args.epochs, args.lr)
    with torch.no_grad():
        explained = 1 - (model(test_x) - test_x).pow(2).sum() / (test_x - train_x.mean(0)).pow(2).sum()
    print(f"test: variance explained beyond the mean beat {explained.item():.3f}")
