# transfer learning tutorial style: new head on a saved network
import copy

import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
y = torch.tensor(digits.target)


def make_loaders(mask, offset):
    xs, ys = x[mask], y[mask] - offset
    perm = torch.randperm(len(xs))
    cut = int(0.8 * len(xs))
    return {
        "train": DataLoader(TensorDataset(xs[perm[:cut]], ys[perm[:cut]]), batch_size=32, shuffle=True),
        "val": DataLoader(TensorDataset(xs[perm[cut:]], ys[perm[cut:]]), batch_size=100),
    }


def train_model(model, dataloaders, criterion, optimizer, scheduler, num_epochs):
    best_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(num_epochs):
        for phase in ["train", "val"]:
            model.train(phase == "train")
            running_corrects = 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_corrects += (outputs.argmax(1) == labels).sum().item()
            if phase == "train":
                scheduler.step()
            acc = running_corrects / len(dataloaders[phase].dataset)
            print(f"{epoch} {phase} acc {acc:.4f}")
            if phase == "val" and acc > best_acc:
                best_acc, best_wts = acc, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_wts)
    return model


class ConvNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Flatten())
        self.fc = nn.Linear(24 * 16, classes)

    def forward(self, img):
        return self.fc(self.features(img))


criterion = nn.CrossEntropyLoss()
model = ConvNet(7)
optimizer = optim.Adam(model.parameters(), lr=1e-3)
model = train_model(model, make_loaders(y < 7, 0), criterion, optimizer, lr_scheduler.StepLR(optimizer, 2), num_epochs=2)

print("new task: 7, 8, 9")
model.fc = nn.Linear(model.fc.in_features, 3)
for param in model.parameters():
    param.requires_grad = False
optimizer = optim.SGD(model.fc.parameters(), lr=1e-2, momentum=0.9)
train_model(model, make_loaders(y >= 7, 7), criterion, optimizer, lr_scheduler.StepLR(optimizer, 4), num_epochs=6)
