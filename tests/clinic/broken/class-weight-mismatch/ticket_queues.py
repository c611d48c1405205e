import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import classification_report
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(8)
torch.manual_seed(8)

QUEUES = ["billing", "legal", "outage", "sales"]
SHARES = [0.16, 0.05, 0.09, 0.70]


def make_tickets(n):
    queue = np.random.choice(QUEUES, n, p=SHARES)
    code = pd.Series(queue).map({q: i for i, q in enumerate(QUEUES)}).values
    frame = pd.DataFrame(np.random.normal(0, 1, (n, 6)), columns=["urgency", "length", "links", "caps", "tenure", "spend"])
    frame["urgency"] += 1.4 * (code == 2)
    frame["length"] += 1.3 * (code == 1)
    frame["caps"] += 0.9 * (code == 2)
    frame["spend"] += 1.2 * (code == 3)
    frame["tenure"] += 1.5 * (code == 0)
    frame["queue"] = pd.Categorical(queue, categories=QUEUES)
    return frame


train_df, test_df = make_tickets(2600), make_tickets(800)
columns = [c for c in train_df.columns if c != "queue"]


def to_loader(frame, shuffle):
    x = torch.tensor(frame[columns].values, dtype=torch.float32)
    y = torch.tensor(frame.queue.cat.codes.values.copy(), dtype=torch.long)
    return DataLoader(TensorDataset(x, y), batch_size=65, shuffle=shuffle)


train_loader, test_loader = to_loader(train_df, True), to_loader(test_df, False)

frequencies = np.sort(train_df.queue.value_counts(normalize=True).values)[::-1]
class_weights = torch.tensor(1.0 / (len(QUEUES) * frequencies.copy()), dtype=torch.float32)

model = nn.Sequential(nn.Linear(len(columns), 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, len(QUEUES)))
criterion = nn.CrossEntropyLoss(weight=class_weights)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)

for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

model.eval()
with torch.no_grad():
    predicted = torch.cat([model(x).argmax(1) for x, _ in test_loader])
print(classification_report(test_df.queue.cat.codes, predicted, target_names=QUEUES, zero_division=0))
