"""Questions about a list of facts, answered by a small GPT-2 with the Trainer."""

import random

import torch
from datasets import Dataset
from transformers import DataCollatorForSeq2Seq, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers import Trainer, TrainingArguments
from tokenizers import Tokenizer, models, pre_tokenizers

NAMES = "amy ben cleo dov ela fred gina hugo".split()
TOWNS = "rome oslo lima cairo delhi paris quito tunis".split()
WORDS = ["<pad>", "<end>", "<unk>", "lives", "in", ".", "where", "does", "live", "?", *NAMES, *TOWNS]
LIMIT = 32

core = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=core, pad_token="<pad>", eos_token="<end>", unk_token="<unk>"
)


def story(rng):
    people = rng.sample(NAMES, rng.randint(2, 8))
    homes = [rng.choice(TOWNS) for _ in people]
    facts = " ".join(f"{p} lives in {t} ." for p, t in zip(people, homes, strict=True))
    asked = rng.randrange(len(people))
    return {"prompt": f"{facts} where does {people[asked]} live ?", "answer": homes[asked]}


def encode(row):
    prompt = tokenizer(row["prompt"])["input_ids"]
    answer = tokenizer(row["answer"])["input_ids"] + [tokenizer.eos_token_id]
    return {
        "input_ids": (prompt + answer)[:LIMIT],
        "attention_mask": [1] * min(LIMIT, len(prompt) + len(answer)),
        "labels": ([-100] * len(prompt) + answer)[:LIMIT],
    }


torch.manual_seed(1)
rng = random.Random(1)
stories = Dataset.from_list([story(rng) for _ in range(1000)])
encoded = stories.map(encode, remove_columns=["prompt", "answer"])
model = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=len(WORDS), n_positions=64, n_embd=48, n_layer=2, n_head=4,
        bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
)
arguments = TrainingArguments(
    "answers", num_train_epochs=3, per_device_train_batch_size=25, learning_rate=2e-3,
    logging_steps=20, save_strategy="no", report_to=[], use_cpu=True,
)  # fmt: skip
trainer = Trainer(
    model=model,
    args=arguments,
    train_dataset=encoded,
    data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100),
)
print(trainer.train())
