"""Semi-supervised digits: few labels, many unlabelled images, consistency under noise."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

torch.manual_seed(99)
images, targets = load_digits(return_X_y=True)
images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16.0
targets = torch.tensor(targets)
order = torch.randperm(len(images))
labelled_idx, unlabelled_idx, test_idx = order[:200], order[200:1400], order[1400:]


class TwoViews(Dataset):
    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        x = self.data[i]
        weak = x + 0.02 * torch.randn_like(x)
        strong = torch.roll(x, int(torch.randint(-1, 2, (1,))), dims=2) + 0.15 * torch.randn_like(x)
        return weak, strong


labelled = DataLoader(
    TensorDataset(images[labelled_idx], targets[labelled_idx]), batch_size=25, shuffle=True, drop_last=True
)
unlabelled = DataLoader(TwoViews(images[unlabelled_idx]), batch_size=150, shuffle=True, drop_last=True)
test = DataLoader(TensorDataset(images[test_idx], targets[test_idx]), batch_size=200)

model = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(24 * 16, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)

for epoch in range(12):
    model.train()
    kept = 0.0
    for (xl, yl), (weak, strong) in zip(labelled, unlabelled):
        logits = model(torch.cat([xl, weak, strong]))
        logits_l, logits_w, logits_s = logits.split([len(xl), len(weak), len(strong)])
        supervised = F.cross_entropy(logits_l, yl)
        confidence, pseudo = logits_w.detach().softmax(-1).max(-1)
        mask = (confidence > 0.9).float()
        consistency = (F.cross_entropy(logits_s, pseudo, reduction="none") * mask).mean()
        loss = supervised + consistency
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        kept += mask.mean().item()

    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test:
            correct += (model(x).argmax(-1) == y).sum().item()
    print(
        f"epoch {epoch:2d} sup {supervised.item():.3f} cons {consistency.item():.3f} "
        f"kept {kept / len(unlabelled):.2f} test acc {correct / len(test_idx):.3f}"
    )
