import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

L.seed_everything(0, verbose=False)
text = "".join(f"item {i % 37} costs {(i * 7) % 90 + 10} coins and {(i * 3) % 50} gems. " for i in range(900))
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])


class Windows(Dataset):
    def __init__(self, data, length=48):
        self.data, self.length = data, length

    def __len__(self):
        return (len(self.data) - 1) // self.length

    def __getitem__(self, i):
        chunk = self.data[i * self.length : (i + 1) * self.length + 1]
        return chunk[:-1], chunk[1:]


class CharLM(L.LightningModule):
    def __init__(self, vocab, width=48, heads=4, depth=2):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, width), nn.Embedding(64, width)
        self.blocks = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, batch_first=True, norm_first=True), depth,
            enable_nested_tensor=False,
        )
        self.head = nn.Linear(width, vocab)

    def forward(self, x):
        n = x.shape[1]
        h = self.tok(x) + self.pos(torch.arange(n, device=x.device))
        mask = torch.triu(torch.full((n, n), float("-inf")), diagonal=2)
        return self.head(self.blocks(h, mask=mask))

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self(x).flatten(0, 1), y.flatten())
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


loader = DataLoader(Windows(ids), batch_size=16, shuffle=True)
model = CharLM(len(chars))
trainer = L.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(model, loader)
print({k: float(v) for k, v in trainer.callback_metrics.items()})
