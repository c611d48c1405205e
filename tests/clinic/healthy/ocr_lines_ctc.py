"""OCR lines: CNN over columns, CTC head, class with fit()."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class LineReader(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 2)),
                                 nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1)))
        self.fc = nn.Linear(32 * 3, classes)

    def forward(self, image):
        h = self.cnn(image)
        n, c, height, width = h.shape
        h = h.permute(0, 3, 1, 2).reshape(n, width, c * height)
        return self.fc(h)


def render(n, seed):
    glyphs = (torch.rand(5, 12, 6, generator=torch.Generator().manual_seed(40)) > 0.5).float()
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(1, 6, (n, 4), generator=g)
    x = torch.zeros(n, 1, 12, 36)
    for i in range(n):
        at = int(torch.randint(0, 4, (), generator=g))
        for symbol in y[i]:
            x[i, 0, :, at : at + 6] = glyphs[symbol - 1]
            at += 6 + int(torch.randint(1, 3, (), generator=g))
    return TensorDataset(x + 0.1 * torch.randn(x.shape, generator=g), y)


class OCRTrainer:
    def __init__(self, lr=3e-3, epochs=10):
        self.model = LineReader(6)
        self.ctc = nn.CTCLoss()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.epochs = epochs

    def loss(self, x, y):
        logits = self.model(x)
        n, t, c = logits.shape
        logp = logits.permute(1, 0, 2).log_softmax(2)
        return self.ctc(logp, y, torch.full((n,), t), torch.full((n,), y.shape[1]))

    def fit(self, train, valid):
        for epoch in range(self.epochs):
            self.model.train()
            for x, y in train:
                loss = self.loss(x, y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
            self.model.eval()
            with torch.no_grad():
                val = sum(self.loss(x, y).item() for x, y in valid) / len(valid)
            print(f"epoch {epoch + 1}/{self.epochs} loss={loss.item():.3f} val={val:.3f}")
        return self


if __name__ == "__main__":
    torch.manual_seed(0)
    OCRTrainer().fit(DataLoader(render(640, 0), 20, shuffle=True), DataLoader(render(80, 1), 20))
