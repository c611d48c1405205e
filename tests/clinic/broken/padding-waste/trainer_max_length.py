"""Commands of a few words, padded by the tokenising function, with the transformers Trainer."""

import torch
from transformers import (
    DistilBertConfig, DistilBertForSequenceClassification, Trainer, TrainingArguments,
)

VERBS = {"open": 0, "close": 1, "start": 2, "stop": 3}
THINGS = "door window lamp heater radio fan".split()
INDEX = {w: i + 1 for i, w in enumerate([*VERBS, *THINGS, "the", "please"])}


def encode(text, longest=64):
    ids = [INDEX[w] for w in text.split()]
    mask = [1] * len(ids)
    return {
        "input_ids": ids + [0] * (longest - len(ids)),
        "attention_mask": mask + [0] * (longest - len(ids)),
    }


rows = []
for n in range(40):
    for verb, label in VERBS.items():
        for thing in THINGS:
            text = f"{verb} the {thing}" + (" please" if n % 2 else "")
            rows.append({**encode(text), "labels": label})
torch.manual_seed(2)
model = DistilBertForSequenceClassification(
    DistilBertConfig(vocab_size=20, dim=32, n_layers=1, n_heads=2, hidden_dim=48,
                     max_position_embeddings=64, num_labels=4)
)
arguments = TrainingArguments(
    output_dir="commands", per_device_train_batch_size=24, num_train_epochs=2, learning_rate=1e-3,
    report_to=[], save_strategy="no", use_cpu=True,
)
Trainer(model=model, args=arguments, train_dataset=rows).train()
