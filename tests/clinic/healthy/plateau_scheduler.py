import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


def get_loaders(batch_size):
    bunch = load_diabetes()
    x = torch.tensor(bunch.data, dtype=torch.float32)
    y = torch.tensor(bunch.target, dtype=torch.float32).unsqueeze(1)
    order = torch.randperm(len(x))
    tr, va = order[:350], order[350:]
    x_mean, x_std, y_mean, y_std = x[tr].mean(0), x[tr].std(0), y[tr].mean(), y[tr].std()
    x, y = (x - x_mean) / x_std, (y - y_mean) / y_std
    train = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=batch_size, shuffle=True, drop_last=False)
    valid = DataLoader(TensorDataset(x[va], y[va]), batch_size=len(va))
    return train, valid, y_std.item()


def train_one_epoch(model, loader, loss_fn, optimizer):
    model.train()
    total, n = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        total, n = total + loss.item() * len(x), n + len(x)
    return total / n


@torch.no_grad()
def evaluate(model, loader, loss_fn):
    model.eval()
    total, n = 0.0, 0
    for x, y in loader:
        total, n = total + loss_fn(model(x), y).item() * len(x), n + len(x)
    return total / n


if __name__ == "__main__":
    torch.manual_seed(314)
    train_loader, valid_loader, scale = get_loaders(batch_size=32)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=3)
    loss_fn = nn.MSELoss()
    for epoch in range(25):
        train_mse = train_one_epoch(model, train_loader, loss_fn, optimizer)
        valid_mse = evaluate(model, valid_loader, loss_fn)
        scheduler.step(valid_mse)
        if epoch % 4 == 0:
            lr = optimizer.param_groups[0]["lr"]
            print(f"{epoch:3d} lr {lr:.1e} train {train_mse:.3f} valid {valid_mse:.3f} rmse {valid_mse**0.5 * scale:.1f} mg")
    print(f"explained variance on validation: {1 - valid_mse:.2f}")
