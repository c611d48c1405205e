import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def iterate_minibatches(inputs, targets, batchsize, rng=None):
    indices = np.arange(len(inputs))
    if rng is not None:
        rng.shuffle(indices)
    for start in range(0, len(inputs), batchsize):
        excerpt = indices[start : start + batchsize]
        yield inputs[excerpt], targets[excerpt]


def load_dataset(rng):
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    X = (digits.data[order] / 16.0).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    return X[:1200], y[:1200], X[1200:1500], y[1200:1500], X[1500:], y[1500:]


def accuracy(network, X, y):
    network.eval()
    hits = 0
    with torch.no_grad():
        for inputs, targets in iterate_minibatches(X, y, 100):
            hits += (network(torch.from_numpy(inputs)).numpy().argmax(1) == targets).sum()
    return hits / len(y)


def main(num_epochs=15):
    rng = np.random.default_rng(66)
    torch.manual_seed(66)
    X_train, y_train, X_val, y_val, X_test, y_test = load_dataset(rng)
    network = nn.Sequential(nn.Dropout(0.1), nn.Linear(64, 80), nn.ReLU(), nn.Dropout(0.3), nn.Linear(80, 10))
    updates = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    objective = nn.CrossEntropyLoss()

    for epoch in range(num_epochs):
        network.train()
        train_err = 0.0
        for inputs, targets in iterate_minibatches(X_train, y_train, 60, rng):
            updates.zero_grad()
            error = objective(network(torch.from_numpy(inputs)), torch.from_numpy(targets))
            error.backward()
            updates.step()
            train_err += float(error) * len(targets)
        print(
            f"Epoch {epoch + 1} of {num_epochs}: training loss {train_err / len(y_train):.4f}, "
            f"validation accuracy {100 * accuracy(network, X_val, y_val):.2f} %"
        )
    print(f"test accuracy: {100 * accuracy(network, X_test, y_test):.2f} %")


if __name__ == "__main__":
    main()
