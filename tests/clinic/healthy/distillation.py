import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(29)
torch.manual_seed(29)
device = torch.device("cpu")

digits = load_digits()
perm = np.random.permutation(len(digits.target))
x = torch.tensor(digits.images[perm], dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target[perm])
x = (x - x[:1350].mean()) / x[:1350].std()
train_loader = DataLoader(TensorDataset(x[:1350], y[:1350]), batch_size=54, shuffle=True)
test_loader = DataLoader(TensorDataset(x[1350:], y[1350:]), batch_size=149, shuffle=False)


class DeepNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class LightNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Linear(96, 10)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def train(model, train_loader, epochs, learning_rate):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for epoch in range(epochs):
        model.train()
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(train_loader):.4f}")


def test(model, test_loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for inputs, labels in test_loader:
            correct += (model(inputs).argmax(1) == labels).sum().item()
            total += labels.size(0)
    return 100 * correct / total


def train_knowledge_distillation(teacher, student, train_loader, epochs, learning_rate, T, soft_target_loss_weight):
    ce_loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(student.parameters(), lr=learning_rate)
    teacher.eval()
    for epoch in range(epochs):
        student.train()
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            with torch.no_grad():
                teacher_logits = teacher(inputs)
            student_logits = student(inputs)
            soft_loss = F.kl_div(
                F.log_softmax(student_logits / T, dim=-1), F.softmax(teacher_logits / T, dim=-1), reduction="batchmean"
            )
            label_loss = ce_loss(student_logits, labels)
            loss = soft_target_loss_weight * T**2 * soft_loss + (1 - soft_target_loss_weight) * label_loss
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Distillation loss: {running_loss / len(train_loader):.4f}")


nn_deep = DeepNN().to(device)
train(nn_deep, train_loader, epochs=4, learning_rate=1e-3)
print(f"Teacher accuracy: {test(nn_deep, test_loader):.2f}%")
new_nn_light = LightNN().to(device)
train_knowledge_distillation(nn_deep, new_nn_light, train_loader, 8, 3e-3, T=2, soft_target_loss_weight=0.5)
print(f"Student accuracy: {test(new_nn_light, test_loader):.2f}%")
