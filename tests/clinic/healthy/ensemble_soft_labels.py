"""Compress a boosted ensemble into a small network that learns its probabilities."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset


class SoftLabels(Dataset):
    def __init__(self, features, probabilities):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.probabilities = torch.as_tensor(probabilities, dtype=torch.float32)

    def __len__(self):
        return len(self.features)

    def __getitem__(self, i):
        return {"x": self.features[i], "p": self.probabilities[i]}


class Student(nn.Module):
    def __init__(self, inputs, classes, width=24):
        super().__init__()
        self.hidden = nn.Linear(inputs, width)
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        return F.log_softmax(self.out(torch.tanh(self.hidden(x))), dim=-1)


class Distiller:
    def __init__(self, student, lr=5e-3):
        self.student = student
        self.criterion = nn.KLDivLoss(reduction="batchmean")
        self.optimizer = torch.optim.AdamW(student.parameters(), lr=lr)

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            self.student.train()
            total = 0.0
            for batch in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.student(batch["x"]), batch["p"])
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            print(f"epoch {epoch}: kl {total / len(loader):.4f}")

    @torch.no_grad()
    def accuracy(self, x, y):
        self.student.eval()
        x = torch.as_tensor(x, dtype=torch.float32)
        return (self.student(x).argmax(1).numpy() == y).mean()


if __name__ == "__main__":
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    x, y = load_breast_cancer(return_X_y=True)
    order = rng.permutation(len(y))
    x, y = x[order], y[order]
    scaler = StandardScaler().fit(x[:450])
    x = scaler.transform(x)
    ensemble = GradientBoostingClassifier(n_estimators=40, random_state=5).fit(x[:450], y[:450])
    loader = DataLoader(SoftLabels(x[:450], ensemble.predict_proba(x[:450])), batch_size=30, shuffle=True)
    distiller = Distiller(Student(x.shape[1], 2))
    distiller.fit(loader, epochs=12)
    print("agreement with the labels:", distiller.accuracy(x[450:], y[450:]))
