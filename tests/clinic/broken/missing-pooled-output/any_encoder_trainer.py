import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import AutoModel, DistilBertConfig, Trainer, TrainingArguments

torch.manual_seed(5)
CONFIG = DistilBertConfig(vocab_size=80, dim=32, hidden_dim=64, n_layers=1, n_heads=2, pad_token_id=0)


class Tickets(Dataset):
    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        self.ids = torch.randint(1, 80, (count, 20), generator=generator)
        self.labels = (self.ids < 40).float().mean(1).gt(0.5).long()

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "attention_mask": torch.ones(20, dtype=torch.long), "labels": self.labels[i]}


class EncoderClassifier(nn.Module):
    def __init__(self, config, classes, dropout=0.1):
        super().__init__()
        self.encoder = AutoModel.from_config(config)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.dim, classes)

    def forward(self, input_ids, attention_mask, labels=None):
        outputs = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        pooled = self.dropout(outputs.pooler_output)
        logits = self.classifier(pooled)
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


if __name__ == "__main__":
    arguments = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=16, learning_rate=1e-3, report_to=[], use_cpu=True, logging_steps=10)
    trainer = Trainer(EncoderClassifier(CONFIG, 2), arguments, train_dataset=Tickets(400, 0), eval_dataset=Tickets(100, 1))
    trainer.train()
    print(trainer.evaluate())
