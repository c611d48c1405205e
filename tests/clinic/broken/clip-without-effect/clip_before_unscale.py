import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def shapes(n, size=16, seed=0):
    """Noisy pictures of a bar, a cross, a ring or a blob somewhere in the frame."""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    pics, kinds = [], torch.randint(4, (n,), generator=g)
    for kind in kinds.tolist():
        cy, cx = (torch.rand(2, generator=g) * (size - 8) + 4).tolist()
        r = 2.0 + 1.5 * torch.rand(1, generator=g).item()
        dy, dx = yy - cy, xx - cx
        dist = (dy**2 + dx**2).sqrt()
        pic = [
            (dy.abs() < 1) & (dx.abs() < r + 1),
            ((dy.abs() < 1) & (dx.abs() < r)) | ((dx.abs() < 1) & (dy.abs() < r)),
            (dist - r).abs() < 0.8,
            dist < r - 0.5,
        ][kind].float()
        pics.append(pic + 0.2 * torch.randn(size, size, generator=g))
    x = torch.stack(pics).unsqueeze(1)
    return x, kinds


def main():
    torch.manual_seed(5)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    use_cuda = device.type == "cuda"
    x, y = shapes(1800)
    x_train, y_train, x_val, y_val = x[:1440], y[:1440], x[1440:], y[1440:]
    m, s = x_train.mean(), x_train.std()
    train_loader = DataLoader(TensorDataset((x_train - m) / s, y_train), batch_size=48, shuffle=True, pin_memory=use_cuda)
    val_loader = DataLoader(TensorDataset((x_val - m) / s, y_val), batch_size=180)

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 4),
    ).to(device)  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scaler = torch.amp.GradScaler(device.type, enabled=True)
    criterion = nn.CrossEntropyLoss()
    amp_dtype = torch.float16

    for epoch in range(1, 7):
        model.train()
        loss_sum = 0.0
        for data, target in train_loader:
            data, target = data.to(device), target.to(device)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device_type=device.type, dtype=amp_dtype):
                logits = model(data)
                loss = criterion(logits, target)
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            scaler.step(optimizer)
            scaler.update()
            loss_sum += loss.item() * len(data)

        model.eval()
        ok = 0
        with torch.no_grad(), torch.autocast(device_type=device.type, dtype=amp_dtype):
            for data, target in val_loader:
                ok += (model(data.to(device)).argmax(1).cpu() == target).sum().item()
        print(f"Epoch {epoch} loss={loss_sum / len(y_train):.4f} val_acc={ok / len(y_val):.4f}")


if __name__ == "__main__":
    main()
