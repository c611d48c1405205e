import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

np.random.seed(4)
torch.manual_seed(4)


class MyDataset(Dataset):
    def __init__(self, x, y):
        self.x = torch.from_numpy(x).float().unsqueeze(1)
        self.y = torch.from_numpy(y).long()

    def __getitem__(self, index):
        return self.x[index], self.y[index]

    def __len__(self):
        return len(self.y)


class CNN(nn.Module):
    def __init__(self):
        super(CNN, self).__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(2 * 2 * 32, 10)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        out = self.layer1(x)
        out = self.layer2(out)
        out = out.reshape(out.size(0), -1)
        return self.softmax(self.fc(out))


digits = load_digits()
shuffle = np.random.permutation(len(digits.target))
images, target = digits.images[shuffle] / 16, digits.target[shuffle]
train_loader = DataLoader(MyDataset(images[:1440], target[:1440]), batch_size=48, shuffle=True)
test_loader = DataLoader(MyDataset(images[1440:], target[1440:]), batch_size=119, shuffle=False)

model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    for images, labels in train_loader:
        outputs = model(images)
        loss = criterion(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct, test_loss = 0, 0.0
        for images, labels in test_loader:
            outputs = model(images)
            test_loss += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
    print(f"Epoch [{epoch + 1}/8] loss {loss.item():.4f} test loss {test_loss / 357:.4f} test acc {100 * correct / 357:.2f}%")
