import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Blobs(Dataset):
    def __init__(self, count, seed):
        draw = torch.Generator().manual_seed(seed)
        grid = torch.stack(torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij"))
        centre = torch.rand(count, 2, 1, 1, generator=draw) * 16 + 4
        size = torch.rand(count, 1, 1, generator=draw) * 4 + 3
        self.masks = ((grid - centre).pow(2).sum(1).sqrt() < size).float()
        self.images = self.masks + torch.randn(count, 24, 24, generator=draw) * 0.6

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {"image": self.images[index][None], "mask": self.masks[index][None]}


class Segmenter:
    def __init__(self, rate=2e-3):
        torch.manual_seed(11)
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 1, 1),
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=rate)
        self.loss = nn.BCEWithLogitsLoss()

    def fit(self, train, valid, epochs):
        for epoch in range(epochs):
            self.net.train()
            for batch in train:
                self.optimizer.zero_grad()
                self.loss(self.net(batch["image"]), batch["mask"]).backward()
                self.optimizer.step()
            print(f"epoch {epoch}: overlap {self.overlap(valid):.3f}")

    def overlap(self, loader):
        self.net.eval()
        shared = either = 0.0
        for batch in loader:
            found = self.net(batch["image"]) > 0
            wanted = batch["mask"] > 0
            shared += (found & wanted).sum().item()
            either += (found | wanted).sum().item()
        return shared / either


if __name__ == "__main__":
    train = DataLoader(Blobs(320, 0), batch_size=32, shuffle=True)
    Segmenter().fit(train, DataLoader(Blobs(96, 1), batch_size=32), epochs=6)
