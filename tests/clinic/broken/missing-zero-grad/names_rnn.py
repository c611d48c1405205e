import random

import torch
import torch.nn as nn

random.seed(0)
torch.manual_seed(0)
letters = "abcdefghijklmnopqrstuvwxyz"
n_hidden, n_iters, print_every, learning_rate, batch = 64, 400, 50, 1e-3, 16

parts = {
    "Norse": (["bjor", "svan", "gun", "tor", "ulf", "sig"], ["vald", "mund", "nar", "heid"]),
    "Latin": (["mar", "jul", "aur", "cor", "tib", "ful"], ["ius", "elia", "anus", "inus"]),
    "Slavic": (["mil", "rad", "bog", "vlad", "yar", "stan"], ["oslav", "imir", "omir", "islav"]),
}
all_categories = list(parts)


def random_name():
    category = random.choice(all_categories)
    starts, ends = parts[category]
    name = random.choice(starts) + random.choice(letters) + random.choice(letters) + random.choice(ends)
    return name, all_categories.index(category)


names = list(dict(random_name() for _ in range(4000)).items())
train_names, test_names = names[:2400], names[2400:2900]


def to_tensor(batch_names):
    width = max(len(n) for n, _ in batch_names)
    tensor = torch.zeros(width, len(batch_names), len(letters))
    for b, (name, _) in enumerate(batch_names):
        for i, c in enumerate(name):
            tensor[width - len(name) + i, b, letters.index(c)] = 1
    return tensor, torch.tensor([c for _, c in batch_names])


class CharLSTM(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)

    def forward(self, line):
        return self.h2o(self.lstm(line)[0][-1])


rnn = CharLSTM(len(letters), n_hidden, len(all_categories))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(rnn.parameters(), lr=learning_rate * 100, momentum=0.9)

current_loss = 0
for it in range(1, n_iters + 1):
    line, category = to_tensor(random.sample(train_names, batch))
    output = rnn(line)
    loss = criterion(output, category)
    loss.backward()
    optimizer.step()
    current_loss += loss.item()
    if it % print_every == 0:
        print(f"{it} {100 * it // n_iters}% average loss {current_loss / print_every:.4f}")
        current_loss = 0

rnn.eval()
with torch.no_grad():
    line, category = to_tensor(test_names)
    print(f"test accuracy {(rnn(line).argmax(1) == category).float().mean().item():.3f}")
