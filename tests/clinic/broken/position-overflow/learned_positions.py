import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(43)
MAX_LEN = 64


class Proteins(Dataset):
    def __init__(self, n):
        self.rows = []
        for _ in range(n):
            length = int(torch.randint(30, 110, (1,)))
            chain = torch.randint(1, 21, (length,))
            membrane = int(torch.rand(1) < 0.5)
            if membrane:
                start = int(torch.randint(0, length - 15, (1,)))
                chain[start : start + 15] = torch.randint(15, 21, (15,))
            self.rows.append((chain, membrane))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    longest = max(len(c) for c, _ in rows)
    chains = torch.stack([nn.functional.pad(c, (0, longest - len(c))) for c, _ in rows])
    return {"chain": chains, "label": torch.tensor([m for _, m in rows])}


class ProteinEncoder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.residues = nn.Embedding(21, width, padding_idx=0)
        self.positions = nn.Parameter(torch.zeros(MAX_LEN, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, 2)

    def forward(self, chain):
        padding = chain == 0
        x = self.residues(chain) + self.positions[: chain.shape[1]]
        x = self.encoder(x, src_key_padding_mask=padding)
        return self.out(x.masked_fill(padding[..., None], -1e4).amax(1))


accelerator = Accelerator(cpu=True)
model = ProteinEncoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(Proteins(800), batch_size=20, shuffle=True, collate_fn=collate)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(3):
    for batch in loader:
        loss = nn.functional.cross_entropy(model(batch["chain"]), batch["label"])
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    accelerator.print(epoch, loss.item())
