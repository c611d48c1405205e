import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class WideNet(nn.Module):
    def __init__(self, p=0.6):
        super().__init__()
        self.fc1 = nn.Linear(64, 512)
        self.fc2 = nn.Linear(512, 512)
        self.fc3 = nn.Linear(512, 10)
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        x = self.dropout(F.relu(self.fc2(x)))
        return self.fc3(x)


def prepare(seed):
    g = torch.Generator().manual_seed(seed)
    digits = load_digits()
    x = torch.from_numpy(digits.data).float() / 8 - 1
    y = torch.from_numpy(digits.target)
    perm = torch.randperm(len(x), generator=g)
    x, y = x[perm], y[perm]
    return TensorDataset(x[:1300], y[:1300]), TensorDataset(x[1300:], y[1300:])


def main():
    torch.manual_seed(55)
    train_data, val_data = prepare(55)
    trainloader = DataLoader(train_data, batch_size=50, shuffle=True)
    valloader = DataLoader(val_data, batch_size=250, shuffle=False)
    net = WideNet()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    for epoch in range(12):
        net.train()
        running_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            inputs, labels = data
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            if i % 13 == 12:
                print(f"[{epoch + 1}, {i + 1:3d}] loss: {running_loss / 13:.3f}")
                running_loss = 0.0
        net.eval()
        correct = total = 0
        with torch.no_grad():
            for images, labels in valloader:
                _, predicted = torch.max(net(images), 1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
        print(f"Accuracy on the validation images: {100 * correct / total:.1f} %")
    print("Finished Training")


if __name__ == "__main__":
    main()
