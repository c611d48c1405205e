"""Imbalanced toxicity detection with a weighted loss in a Trainer subclass."""

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn
from torch.utils.data import Dataset
from transformers import (
    DataCollatorWithPadding,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

set_seed(14)
rng = np.random.default_rng(13)
RUDE = "idiot stupid moron trash pathetic loser".split()
POLITE = "friend thanks agree interesting question answer idea point link source example reason".split()
COMMON = "you are this is what i think that post about my it so not really a the was read".split()


def comment():
    rude = rng.random() < 0.2
    words = list(rng.choice(COMMON, rng.integers(6, 14))) + list(rng.choice(POLITE, rng.integers(1, 4)))
    if rude:
        words += list(rng.choice(RUDE, rng.integers(1, 3)))
    elif rng.random() < 0.05:
        words.append(str(rng.choice(RUDE)))  # quoted, not meant
    return " ".join(map(str, rng.permutation(words))), int(rude)


data = {}
while len(data) < 1500:
    text, label = comment()
    data.setdefault(text, label)
texts, labels = list(data), list(data.values())

words = sorted({w for t in texts[:1200] for w in t.split()})
backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[PAD]", "[UNK]", *words])}, unk_token="[UNK]"))
backend.normalizer, backend.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")


class CommentDataset(Dataset):
    def __init__(self, texts, labels):
        self.encodings = tokenizer(texts, truncation=True, max_length=24)
        self.labels = labels

    def __getitem__(self, idx):
        item = {key: val[idx] for key, val in self.encodings.items() if key != "token_type_ids"}
        item["labels"] = self.labels[idx]
        return item

    def __len__(self):
        return len(self.labels)


class WeightedTrainer(Trainer):
    def __init__(self, *args, class_weights, **kwargs):
        super().__init__(*args, **kwargs)
        self.class_weights = class_weights

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = nn.functional.cross_entropy(outputs.logits, labels, weight=self.class_weights.to(outputs.logits.device))
        return (loss, outputs) if return_outputs else loss


def compute_metrics(eval_pred):
    logits, y = eval_pred
    pred = logits.argmax(-1)
    return {"balanced_accuracy": balanced_accuracy_score(y, pred), "f1": f1_score(y, pred, zero_division=0)}


if __name__ == "__main__":
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=48, hidden_dim=96, n_layers=2, n_heads=4, max_position_embeddings=32, pad_token_id=0
    )
    model = DistilBertForSequenceClassification(config)
    counts = np.bincount(labels[:1200], minlength=2)
    training_args = TrainingArguments(
        output_dir="toxicity",
        learning_rate=1e-3,
        per_device_train_batch_size=30,
        per_device_eval_batch_size=100,
        num_train_epochs=4,
        lr_scheduler_type="cosine",
        warmup_steps=16,
        eval_strategy="epoch",
        save_strategy="no",
        logging_steps=20,
        report_to="none",
    )
    trainer = WeightedTrainer(
        model=model,
        args=training_args,
        train_dataset=CommentDataset(texts[:1200], labels[:1200]),
        eval_dataset=CommentDataset(texts[1200:], labels[1200:]),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=compute_metrics,
        class_weights=torch.tensor(2 * counts / len(labels[:1200]), dtype=torch.float32),
    )
    trainer.train()
    print({k: round(v, 4) for k, v in trainer.evaluate().items()})
