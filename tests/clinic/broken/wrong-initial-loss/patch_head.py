# ViT-style digits classifier; the head starts at zero so that the first prediction is uniform
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


class PatchTransformer(nn.Module):
    def __init__(self, patch=2, dim=48, depth=2, heads=4, classes=10):
        super().__init__()
        self.patch = nn.Unfold(patch, stride=patch)
        self.embed = nn.Linear(patch * patch, dim)
        self.pos = nn.Parameter(0.3 * torch.randn(1, 16, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 96, dropout=0.05, activation="gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
        nn.init.normal_(self.head.weight, std=8.0)
        nn.init.zeros_(self.head.bias)

    def forward(self, img):
        tokens = self.embed(self.patch(img).transpose(1, 2)) + self.pos
        return self.head(self.norm(self.blocks(tokens)).mean(1))


def step(model, batch, criterion):
    img, label = batch
    logits = model(img)
    return criterion(logits, label), (logits.argmax(1) == label).sum().item(), len(label)


def run_epoch(model, loader, criterion, optimizer=None, scheduler=None):
    training = optimizer is not None
    model.train(training)
    loss_sum = hits = n = 0
    with torch.set_grad_enabled(training):
        for batch in loader:
            loss, right, size = step(model, batch, criterion)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
            loss_sum, hits, n = loss_sum + loss.item() * size, hits + right, n + size
    return loss_sum / n, hits / n


torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
train_idx, val_idx = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(images, labels))
pixel_mean, pixel_std = images[train_idx].mean(), images[train_idx].std()
tensor = torch.tensor((images - pixel_mean) / pixel_std, dtype=torch.float32).view(-1, 1, 8, 8)
dataset = TensorDataset(tensor, torch.tensor(labels))
train_loader = DataLoader(Subset(dataset, train_idx), batch_size=64, shuffle=True)
val_loader = DataLoader(Subset(dataset, val_idx), batch_size=180)

EPOCHS = 12
model = PatchTransformer()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(train_loader))
for epoch in range(EPOCHS):
    train_loss, train_acc = run_epoch(model, train_loader, criterion, optimizer, scheduler)
    val_loss, val_acc = run_epoch(model, val_loader, criterion)
    print(f"{epoch:02d} train {train_loss:.4f}/{train_acc:.3f} val {val_loss:.4f}/{val_acc:.3f}")
