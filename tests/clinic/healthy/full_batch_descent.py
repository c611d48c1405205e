import torch

torch.manual_seed(0)

n, d, k = 1500, 20, 5
centers = 0.6 * torch.randn(k, d)
labels = torch.randint(k, (n,))
points = centers[labels] + torch.randn(n, d)
X, y = points[:1200], labels[:1200]
X_val, y_val = points[1200:], labels[1200:]
mu, sd = X.mean(0), X.std(0)
X, X_val = (X - mu) / sd, (X_val - mu) / sd

model = torch.nn.Sequential(torch.nn.Linear(d, 32), torch.nn.Tanh(), torch.nn.Linear(32, k))
loss_fn = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=2e-3)

for t in range(80):
    y_pred = model(X)
    loss = loss_fn(y_pred, y)
    if t % 20 == 19:
        with torch.no_grad():
            val_pred = model(X_val)
            val_loss = loss_fn(val_pred, y_val)
        print(t, loss.item(), val_loss.item(), (val_pred.argmax(1) == y_val).float().mean().item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
