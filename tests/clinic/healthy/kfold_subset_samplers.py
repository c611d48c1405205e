import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import KFold
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

torch.manual_seed(1)
X, Y = load_wine(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
dataset = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(Y))
loss_function = nn.CrossEntropyLoss()
network = nn.Sequential(nn.Linear(13, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))


def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()


results = {}
for fold, (train_ids, test_ids) in enumerate(KFold(n_splits=5, shuffle=True, random_state=0).split(X)):
    trainloader = DataLoader(dataset, batch_size=16, sampler=SubsetRandomSampler(train_ids), drop_last=True)
    testloader = DataLoader(dataset, batch_size=16, sampler=SubsetRandomSampler(test_ids))
    reset_weights(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for epoch in range(6):
        network.train()
        current_loss = 0.0
        for inputs, targets in trainloader:
            optimizer.zero_grad()
            loss = loss_function(network(inputs), targets)
            loss.backward()
            optimizer.step()
            current_loss += loss.item()
        print(f"fold {fold} epoch {epoch}: loss {current_loss / len(trainloader):.4f}")
    network.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for inputs, targets in testloader:
            correct += (network(inputs).argmax(1) == targets).sum().item()
            total += len(targets)
    results[fold] = 100.0 * correct / total
print({fold: f"{value:.1f}%" for fold, value in results.items()})
