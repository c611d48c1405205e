import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import DistilBertConfig, DistilBertModel

L.seed_everything(53, verbose=False)


class TicketClassifier(L.LightningModule):
    def __init__(self, encoder, classes):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(encoder.config.dim, classes)

    def forward(self, ids, mask):
        outputs = self.encoder(input_ids=ids, attention_mask=mask)
        pooled = outputs.pooler_output
        return self.classifier(self.dropout(pooled))

    def training_step(self, batch, _):
        ids, mask, label = batch
        loss = nn.functional.cross_entropy(self(ids, mask), label)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def tickets(n):
    label = torch.randint(0, 3, (n,))
    ids = torch.randint(30, 100, (n, 14))
    for k in range(4):
        ids[torch.arange(n), torch.randint(1, 14, (n,))] = 3 + 9 * label + torch.randint(0, 9, (n,))
    ids[:, 0] = 1
    return TensorDataset(ids, torch.ones_like(ids), label)


encoder = DistilBertModel(DistilBertConfig(vocab_size=100, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=20))
model = TicketClassifier(encoder, 3)
trainer = L.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(model, DataLoader(tickets(900), 30, shuffle=True))
print(trainer.callback_metrics)
