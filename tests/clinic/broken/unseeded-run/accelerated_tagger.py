from accelerate import Accelerator
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tagger(nn.Module):
    def __init__(self, words=120, tags=4, width=32):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.context = nn.LSTM(width, width, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(2 * width, tags)

    def forward(self, ids):
        return self.tags(self.context(self.words(ids))[0])


def sentences(count):
    ids = torch.randint(0, 120, (count, 14))
    before = torch.cat([torch.zeros(count, 1, dtype=torch.long), ids[:, :-1]], 1)
    return TensorDataset(ids, (ids % 2) + 2 * (before > 60).long())


def main():
    accelerator = Accelerator(cpu=True)
    model = Tagger()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    train = DataLoader(sentences(800), batch_size=40, shuffle=True)
    valid = DataLoader(sentences(200), batch_size=100)
    model, optimizer, train, valid = accelerator.prepare(model, optimizer, train, valid)
    for epoch in range(6):
        model.train()
        for ids, tags in train:
            loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), tags.flatten())
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        right = seen = 0
        with torch.no_grad():
            for ids, tags in valid:
                found = accelerator.gather_for_metrics((model(ids).argmax(-1) == tags).float())
                right, seen = right + found.sum().item(), seen + found.numel()
        accelerator.print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {right / seen:.3f}")


if __name__ == "__main__":
    main()
