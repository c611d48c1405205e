import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class FraudModel(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, x):
        return self.layers(x)


class FraudTrainer:
    def __init__(self, data, lr=2e-3):
        torch.manual_seed(0)
        train, test = random_split(data, [1600, 400])
        self.train_loader = DataLoader(train, batch_size=40, shuffle=True)
        self.test_loader = DataLoader(test, batch_size=100)
        self.model = FraudModel(16)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def fit(self, epochs=6):
        for epoch in range(epochs):
            self.model.train()
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            print(epoch, loss.item(), self.evaluate())

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        truth, scores = [], []
        for x, y in self.test_loader:
            decision = torch.argmax(self.model(x), dim=1)
            truth.append(y)
            scores.append(decision)
        truth, scores = torch.cat(truth).numpy(), torch.cat(scores).numpy()
        return {
            "auc": roc_auc_score(truth, scores),
            "ap": average_precision_score(truth, scores),
        }


features, labels = make_classification(2000, 16, n_informative=8, weights=[0.85], random_state=4)
data = TensorDataset(torch.tensor(features, dtype=torch.float32), torch.tensor(labels))
FraudTrainer(data).fit()
