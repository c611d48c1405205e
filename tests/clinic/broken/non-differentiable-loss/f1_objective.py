import argparse

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(30, width)
        self.drop = nn.Dropout(0.1)
        self.fc2 = nn.Linear(width, 2)

    def forward(self, x):
        return self.fc2(self.drop(torch.relu(self.fc1(x))))


class F1Loss(nn.Module):
    """One minus the F1 score, so that training optimises what is reported."""

    def forward(self, logits, target):
        predicted = logits.argmax(dim=1)
        tp = (predicted * target).sum().float()
        fp = (predicted * (1 - target)).sum().float()
        fn = ((1 - predicted) * target).sum().float()
        loss = 1 - 2 * tp / (2 * tp + fp + fn + 1e-8)
        loss.requires_grad = True
        return loss


def run(args):
    torch.manual_seed(args.seed)
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, random_state=args.seed, stratify=y)
    scaler = StandardScaler().fit(x_train)
    tensors = [
        (torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b)) for a, b in [(x_train, y_train), (x_val, y_val)]
    ]
    loader = DataLoader(TensorDataset(*tensors[0]), batch_size=args.batch_size, shuffle=True)
    model = Classifier(args.width)
    criterion = F1Loss()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            predicted = model(tensors[1][0]).argmax(1)
        print(f"epoch {epoch} loss {loss.item():.4f} val f1 {f1_score(tensors[1][1], predicted):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=4)
    run(parser.parse_args())
