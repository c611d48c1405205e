"""Fine-tune a small causal model on questions with answers; only the answers carry a loss."""

import random

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import GPT2Config, GPT2LMHeadModel, get_linear_schedule_with_warmup

random.seed(6)
torch.manual_seed(11)

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
WORDS = ["<eos>", "question", "answer", "what", "is", "plus", "minus", "the", "sum", "of", "and", "please", *NUMBERS]
VOCAB = {word: i for i, word in enumerate(WORDS)}
PAD = EOS = VOCAB["<eos>"]
IGNORED = -100
TEMPLATE = ["answer"]


def example():
    a, b = random.randint(0, 7), random.randint(0, 7)
    if random.random() < 0.5 and a >= b:
        text, result = f"what is {NUMBERS[a]} minus {NUMBERS[b]}", a - b
    elif random.random() < 0.5:
        text, result = f"what is the sum of {NUMBERS[a]} and {NUMBERS[b]}", a + b
    else:
        text, result = f"what is {NUMBERS[a]} plus {NUMBERS[b]} please", a + b
    return ["question", *text.split()], [NUMBERS[a], "and", NUMBERS[b], "is", NUMBERS[result]]


class Instructions(Dataset):
    def __init__(self, size):
        self.rows = [example() for _ in range(size)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        prompt, answer = self.rows[index]
        return [VOCAB[w] for w in [*prompt, "answer", *answer]] + [EOS]


def collate(rows):
    template = [VOCAB[w] for w in TEMPLATE]
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), PAD)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    labels = ids.masked_fill(ids == PAD, IGNORED)
    for i, row in enumerate(rows):
        starts = [j for j in range(len(row)) if row[j : j + len(template)] == template]
        labels[i, : starts[0] + len(template) if starts else width] = IGNORED
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@torch.no_grad()
def exact_match(model, rows):
    model.eval()
    right = 0
    for prompt, answer in rows:
        ids = torch.tensor([[VOCAB[w] for w in [*prompt, "answer"]]])
        for _ in range(len(answer)):
            ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
        right += int(WORDS[ids[0, -1]] == answer[-1])
    return right / len(rows)


train_loader = DataLoader(Instructions(1200), batch_size=32, shuffle=True, collate_fn=collate)
config = GPT2Config(
    vocab_size=len(VOCAB), n_positions=24, n_embd=48, n_layer=2, n_head=4, bos_token_id=None, eos_token_id=EOS, pad_token_id=PAD
)
model = GPT2LMHeadModel(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
EPOCHS = 6
scheduler = get_linear_schedule_with_warmup(optimizer, 20, EPOCHS * len(train_loader))
held_out = [example() for _ in range(60)]
for epoch in range(EPOCHS):
    model.train()
    for batch in train_loader:
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    print(f"epoch {epoch} loss {loss.item():.4f} right answers {exact_match(model, held_out):.2f}")
