import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(67)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 16 - 0.3, torch.tensor(y))
train_set, test_set = random_split(data, [1500, 297], generator=torch.Generator().manual_seed(0))


class ConvNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(2 * width, 10))

    def forward(self, images):
        return self.head(self.body(images))


raw = ConvNet()
model = torch.compile(raw, backend="aot_eager")
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
train, test = DataLoader(train_set, batch_size=50, shuffle=True), DataLoader(test_set, batch_size=99)
for epoch in range(4):
    model.train()
    for images, labels in train:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(images).argmax(1) == labels).sum().item() for images, labels in test)
    print(f"{epoch} {loss.item():.3f} {hits / len(test_set):.3f}")
torch.save(raw.state_dict(), "compiled.pt")
