import torch
import torch.nn as nn

torch.manual_seed(10)

# two-class nested shells in eight dimensions, with label noise
N, D = 2000, 8
x = torch.randn(N, D)
radius = x.norm(dim=1)
y = ((radius > 2.2) & (radius < 3.1)).long()
flip = torch.rand(N) < 0.02
y = torch.where(flip, 1 - y, y)
x_train, y_train, x_test, y_test = x[:1600], y[:1600], x[1600:], y[1600:]


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        layers = []
        for a, b in zip(sizes[:-2], sizes[1:-1]):
            layers += [nn.Linear(a, b), nn.LeakyReLU(0.1)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, inputs):
        return self.layers(inputs)


model = MLP([D, 64, 64, 2])
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
loss_fn = nn.CrossEntropyLoss()
batch_size = 64

for epoch in range(20):
    permutation = torch.randperm(x_train.size(0))
    epoch_loss = 0.0
    model.train()
    for i in range(0, x_train.size(0), batch_size):
        indices = permutation[i : i + batch_size]
        batch_x, batch_y = x_train[indices], y_train[indices]
        optimizer.zero_grad()
        loss = loss_fn(model(batch_x), batch_y)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(indices)
    if epoch % 4 == 3:
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean()
        print(f"Epoch {epoch + 1}, loss: {epoch_loss / len(x_train):.4f}, test accuracy: {accuracy:.4f}")
