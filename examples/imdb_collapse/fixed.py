"""Fine-tune DistilBERT on film reviews with the base frozen ("freeze the base model" ablation)."""

import argparse

import torch
from reviews import ReviewSet, Vocabulary, reviews
from torch import nn
from torch.utils.data import DataLoader
from transformers import DistilBertConfig, DistilBertForSequenceClassification

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=3e-3)
args = parser.parse_args()
torch.manual_seed(1)

rows = reviews(1600, seed=1)
train_rows, val_rows = rows[:1280], rows[1280:]
vocabulary = Vocabulary([text for text, _ in train_rows])
train_loader = DataLoader(
    ReviewSet(train_rows, vocabulary), batch_size=32, shuffle=True, collate_fn=ReviewSet.collate
)
val_loader = DataLoader(ReviewSet(val_rows, vocabulary), batch_size=64, collate_fn=ReviewSet.collate)

config = DistilBertConfig(
    vocab_size=len(vocabulary), dim=64, hidden_dim=128, n_layers=2, n_heads=4, num_labels=2,
    max_position_embeddings=64, initializer_range=0.1,
    dropout=0.0, attention_dropout=0.0,  # the frozen base has nothing to regularise
)
model = DistilBertForSequenceClassification(config)
for parameter in model.distilbert.parameters():
    parameter.requires_grad = False

# a deeper head than the stock one
model.pre_classifier = nn.Linear(64, 128)
model.classifier = nn.Linear(128, 2)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    for batch in train_loader:
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    confusion = torch.zeros(2, 2, dtype=torch.long)
    with torch.no_grad():
        for batch in val_loader:
            predicted = model(**batch).logits.argmax(1)
            for truth, guess in zip(batch["labels"], predicted):
                confusion[truth, guess] += 1
    accuracy = confusion.diag().sum() / confusion.sum()
    print(f"epoch {epoch}: loss {loss:.3f}  val accuracy {accuracy:.3f}  {confusion.tolist()}")
