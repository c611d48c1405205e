"""Topic classification, DistilBERT-like encoder built from scratch (domain vocabulary, no checkpoint fits)."""
import numpy as np, random, torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (DataCollatorWithPadding, DistilBertConfig, DistilBertForSequenceClassification,
                          PreTrainedTokenizerFast, Trainer, TrainingArguments, set_seed)

set_seed(42)
gen = random.Random(42)
SUBJ = {0: "gene protein enzyme receptor tissue cell".split(), 1: "galaxy star orbit telescope planet nebula".split(),
        2: "bond equity yield dividend hedge fund".split()}
VERB = "shows increases explains moves bends follows limits drives".split()
MISC = "the a of in with under strong weak new old recent small large".split()


def article():
    y = gen.randrange(3)
    words = []
    for _ in range(gen.randint(8, 22)):
        r = gen.random()
        if r < 0.18:
            words.append(gen.choice(SUBJ[y]))
        elif r < 0.26:
            words.append(gen.choice(SUBJ[gen.randrange(3)]))
        else:
            words.append(gen.choice(VERB + MISC))
    return {"text": " ".join(words), "label": y}


full = Dataset.from_list([article() for _ in range(1000)]).train_test_split(test_size=0.2, seed=42)
t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
t.pre_tokenizer = pre_tokenizers.Whitespace()
t.train_from_iterator(full["train"]["text"], trainers.WordLevelTrainer(special_tokens=["[PAD]", "[UNK]", "[CLS]"]))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=t, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
                                    model_input_names=["input_ids", "attention_mask"])
full = full.map(lambda b: tokenizer(["[CLS] " + s for s in b["text"]], truncation=True, max_length=32), batched=True)

config = DistilBertConfig(vocab_size=len(tokenizer), dim=64, n_layers=2, n_heads=4, hidden_dim=128,
                          max_position_embeddings=40, num_labels=3)
model = DistilBertForSequenceClassification(config)
# only the classifier is tuned at first
for name, p in model.named_parameters():
    if name.startswith("distilbert"):
        p.requires_grad = False
n = sum(p.numel() for p in model.parameters() if p.requires_grad)
print("trainable", n)


def compute(p):
    return {"acc": float((np.argmax(p.predictions, -1) == p.label_ids).mean())}


trainer = Trainer(
    model=model,
    args=TrainingArguments("topic_out", learning_rate=1e-3, num_train_epochs=5, per_device_train_batch_size=16,
                           eval_strategy="epoch", save_strategy="no", report_to="none", use_cpu=True),
    train_dataset=full["train"], eval_dataset=full["test"],
    data_collator=DataCollatorWithPadding(tokenizer), compute_metrics=compute,
)
trainer.train()
print(trainer.evaluate())
