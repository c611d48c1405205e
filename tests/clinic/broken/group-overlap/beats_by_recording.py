"""ECG-like beats, several recordings per patient; dict samples with meta data; 1D CNN."""
import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset, default_collate

rs = np.random.RandomState(6)
torch.manual_seed(6)


def simulate(n_patients=60, beats=18, length=96):
    x, y, pid = [], [], []
    for p in range(n_patients):
        sick = rs.rand() < 0.5
        width, tilt, gain = rs.uniform(3, 7), rs.normal(0, .3), rs.uniform(.8, 1.3)
        for _ in range(beats):
            t = np.arange(length)
            beat = gain * np.exp(-((t - 48 - rs.randint(-3, 4)) / width) ** 2) + tilt * t / length
            beat += (0.35 if sick else 0.1) * np.exp(-((t - 70) / 6) ** 2) + rs.normal(0, .12, length)
            x.append(beat), y.append(int(sick)), pid.append(f"P{p:04d}")
    return np.stack(x).astype("float32"), np.array(y), np.array(pid)


class Beats(Dataset):
    def __init__(self, x, y, pid):
        self.x, self.y, self.pid = x, y, pid

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"signal": torch.from_numpy(self.x[i])[None], "label": int(self.y[i]), "patient_id": self.pid[i]}


def collate(rows):
    return default_collate([{k: v for k, v in r.items()} for r in rows])


class BeatNet(nn.Module):
    def __init__(self):
        super().__init__()
        def block(i, o):
            return nn.Sequential(nn.Conv1d(i, o, 7, padding=3), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))
        self.body = nn.Sequential(block(1, 16), block(16, 32), block(32, 32))
        self.fc = nn.Linear(32, 2)

    def forward(self, x):
        return self.fc(self.body(x).mean(-1))


x, y, pid = simulate()
idx_tr, idx_va = train_test_split(np.arange(len(x)), test_size=.2, random_state=1, stratify=y)
mu, sd = x[idx_tr].mean(), x[idx_tr].std()
x = (x - mu) / sd
train_loader = DataLoader(Beats(x[idx_tr], y[idx_tr], pid[idx_tr]), batch_size=32, shuffle=True, collate_fn=collate)
val_loader = DataLoader(Beats(x[idx_va], y[idx_va], pid[idx_va]), batch_size=64, collate_fn=collate)
model = BeatNet()
opt = torch.optim.SGD(model.parameters(), lr=.05, momentum=.9, weight_decay=1e-4)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    for b in train_loader:
        opt.zero_grad()
        loss = loss_fn(model(b["signal"]), b["label"])
        loss.backward()
        opt.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for b in val_loader:
            correct += (model(b["signal"]).argmax(1) == b["label"]).sum().item()
    print(epoch, f"{loss.item():.3f}", correct / len(idx_va))
