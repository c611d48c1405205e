# defect detection on a production line, 8% defects, balanced by a sampler
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score, recall_score
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

g = torch.Generator().manual_seed(3)
torch.manual_seed(9)


def plates(n, size=12):
    imgs = 0.4 * torch.randn(n, 1, size, size, generator=g)
    imgs = imgs + torch.rand(n, 1, 1, 1, generator=g) - 0.5
    labels = (torch.rand(n, generator=g) < 0.08).long()
    for i in labels.nonzero().flatten().tolist():
        r, c = torch.randint(2, size - 5, (2,), generator=g).tolist()
        length = int(torch.randint(4, 6, (1,), generator=g))
        if torch.rand(1, generator=g) < 0.5:
            imgs[i, 0, r, c - 1 : c - 1 + length] += 0.9
        else:
            imgs[i, 0, r - 1 : r - 1 + length, c] += 0.9
    return imgs, labels


train_x, train_y = plates(3000)
val_x, val_y = plates(1500)
class_count = torch.bincount(train_y)
print("class counts", class_count.tolist())
sample_weights = (1.0 / class_count.float())[train_y]
sampler = WeightedRandomSampler(sample_weights, num_samples=len(train_y), replacement=True)
train_loader = DataLoader(TensorDataset(train_x, train_y), batch_size=64, sampler=sampler)
val_loader = DataLoader(TensorDataset(val_x, val_y), batch_size=250)

model = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
    nn.Linear(64, 2),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
criterion = nn.CrossEntropyLoss(reduction="sum")
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    scores = []
    with torch.no_grad():
        for x, _ in val_loader:
            scores.append(model(x).softmax(1)[:, 1])
    scores = torch.cat(scores)
    ap, recall = average_precision_score(val_y, scores), recall_score(val_y, scores > 0.5)
    print(f"epoch {epoch} loss {loss.item():.4f} average precision {ap:.3f} defect recall {recall:.3f}")
