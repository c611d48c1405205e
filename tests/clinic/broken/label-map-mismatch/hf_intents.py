"""Intent classification with a small BERT, tokenizer trained in place."""
import random
import numpy as np
import torch
from datasets import Dataset, DatasetDict
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BertConfig, BertForSequenceClassification, DataCollatorWithPadding,
    PreTrainedTokenizerFast, Trainer, TrainingArguments,
)

random.seed(13)
torch.manual_seed(13)

TEMPLATES = {
    "refund": ["i want my money back for order {n}", "please refund order {n}", "can you return the payment of {n}",
               "give me a refund, the {item} is broken"],
    "shipping": ["where is my parcel {n}", "when does the {item} arrive", "track shipment {n} please",
                 "my delivery of the {item} is late"],
    "account": ["i cannot log in to my account", "reset my password for user {n}", "change the email of account {n}",
                "delete my profile {n}"],
    "product": ["does the {item} come in blue", "how large is the {item}", "is the {item} still in stock",
                "what is the price of the {item}"],
}
ITEMS = ["lamp", "chair", "desk", "phone", "kettle", "jacket", "camera", "mouse", "carpet", "mirror"]
FILLER = ["hello", "hi there", "thanks", "asap", "please help", "hey", "good morning", "urgent", ""]


SEEN = set()


def make(n, rng):
    rows = []
    while len(rows) < n:
        intent = rng.choices(list(TEMPLATES), weights=[4, 3, 2, 2])[0]
        text = rng.choice(TEMPLATES[intent]).format(n=rng.randint(1000, 99999), item=rng.choice(ITEMS))
        text = f"{rng.choice(FILLER)} {text} {rng.choice(FILLER)}".strip()
        if text not in SEEN:
            SEEN.add(text)
            rows.append({"text": text, "intent": intent})
    return rows


rng = random.Random(5)
raw = DatasetDict({"train": Dataset.from_list(make(600, rng)), "validation": Dataset.from_list(make(160, rng))})

tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tok.train_from_iterator(raw["train"]["text"], trainers.WordPieceTrainer(
    vocab_size=600, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
                                    sep_token="[SEP]", mask_token="[MASK]")


def build_mapping(split):
    mapping = {}
    for name in split["intent"]:
        mapping.setdefault(name, len(mapping))
    return mapping


def encode(split, mapping):
    def fn(batch):
        out = tokenizer(batch["text"], truncation=True, max_length=32)
        out["labels"] = [mapping[i] for i in batch["intent"]]
        return out
    return split.map(fn, batched=True, remove_columns=split.column_names)


label2id = build_mapping(raw["train"])
train_ds = encode(raw["train"], label2id)
val_ds = encode(raw["validation"], build_mapping(raw["validation"]))

model = BertForSequenceClassification(BertConfig(
    vocab_size=len(tokenizer), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
    max_position_embeddings=64, num_labels=len(label2id), label2id=label2id,
    id2label={v: k for k, v in label2id.items()}))


def metrics(p):
    pred = np.argmax(p.predictions, axis=-1)
    return {"accuracy": float((pred == p.label_ids).mean())}


args = TrainingArguments(output_dir="out_intent", num_train_epochs=4, per_device_train_batch_size=16,
                         per_device_eval_batch_size=32, learning_rate=5e-4, eval_strategy="epoch",
                         save_strategy="no", logging_steps=10, report_to=[], seed=13, use_cpu=True)
trainer = Trainer(model=model, args=args, train_dataset=train_ds, eval_dataset=val_ds,
                  data_collator=DataCollatorWithPadding(tokenizer), compute_metrics=metrics)
trainer.train()
print(trainer.evaluate())
