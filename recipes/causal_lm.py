"""A small GPT that learns to write texts like those it is given, character by character.

    python recipes/causal_lm.py
    python recipes/causal_lm.py --data letters.jsonl --text_column body --context 256

Every text begins with a start mark and ends with an end mark that is learned like any character, so
that the model knows when to stop. A window never reaches into the next text. The score is bits per
character on texts that were not trained on; the summary holds the same for counts of three letters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from kit.characters import IGNORED, Characters, Windows, collate, counted_bits, document_splits
from kit.run import Run, start
from kit.samples.letters import letters
from kit.settings import RunSettings, parse, setting
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name
from torch.utils.data import DataLoader
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(RunSettings):
    """Each value with its reason."""

    text_column: str = setting("text", "column of the texts, each of which stands alone")
    context: int = setting(128, "characters that are seen at once; memory grows with its square")
    width: int = setting(64, "384 for a million characters, on a GPU")
    heads: int = setting(4, "16 numbers a head")
    layers: int = setting(2, "one finds the word, one the sentence; 6 for a million characters")
    dropout: float = setting(0.1, "0.2 when the texts are passed over more than ten times")
    lr: float = setting(4e-3, "the peak; small models bear more than the usual 6e-4")
    warmup: float = setting(
        0.1, "share of the updates; Adam's first steps are too sure of themselves"
    )
    weight_decay: float = setting(0.1, "GPT-3's, for matrices only")
    clip: float = setting(1.0, "GPT-3's")
    batch: int = setting(16, "windows; 2,048 characters an update")
    epochs: int = setting(8, "an upper bound, and the length of the cosine")
    patience: int = setting(2, "epochs without fewer bits before training stops")


class Block(nn.Module):
    """Attention to what came before, then two layers; each added to its input."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.heads, self.dropout = settings.heads, settings.dropout
        self.attention_norm, self.layers_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width),
            nn.Dropout(settings.dropout),
        )  # fmt: skip

    def forward(self, hidden: Tensor) -> Tensor:
        """Input and output `[batch, time, width]`."""
        batch, time, width = hidden.shape
        parts = self.queries_keys_values(self.attention_norm(hidden)).chunk(3, -1)
        query, key, value = (
            part.view(batch, time, self.heads, -1).transpose(1, 2) for part in parts
        )
        seen = F.scaled_dot_product_attention(
            query, key, value, is_causal=True, dropout_p=self.dropout if self.training else 0.0
        )
        mixed = self.mix(seen.transpose(1, 2).reshape(batch, time, width))
        hidden = hidden + F.dropout(mixed, self.dropout, self.training)
        return hidden + self.layers(self.layers_norm(hidden))


class GPT(nn.Module):
    """Characters and positions, blocks, scores of the next character."""

    def __init__(self, characters: int, settings: Settings) -> None:
        super().__init__()
        self.context = settings.context
        self.characters = nn.Embedding(characters, settings.width)
        self.positions = nn.Embedding(settings.context, settings.width)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, characters, bias=False)
        for name, one in self.named_parameters():
            if one.dim() > 1:  # smaller where a block adds to its input, as in GPT-2
                adds = name.endswith(("mix.weight", "layers.2.weight"))
                nn.init.normal_(one, std=0.02 / math.sqrt(2 * settings.layers) if adds else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores `[batch, time, characters]` of what follows each of `[batch, time]`."""
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.dropout(self.characters(ids) + self.positions(places))
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(self.norm(hidden))


def surprise(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    """Cross-entropy of the next characters, in nats; padding does not count."""
    return F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction
    )


@torch.inference_mode()
def evaluate(model: nn.Module, loader: DataLoader, device: torch.device) -> dict[str, float]:
    """Bits per character over a whole split."""
    model.eval()
    total = count = 0.0
    for ids, targets in loader:
        targets = targets.to(device)
        total += surprise(model(ids.to(device)), targets, "sum").item()
        count += (targets != IGNORED).sum().item()
    return {"bits_per_character": total / count / math.log(2)}


@torch.inference_mode()
def written(model: GPT, characters: Characters, device: torch.device, longest: int = 400) -> str:
    """A text by the model, up to its end mark."""
    model.eval()
    ids = [Characters.START]
    while len(ids) < longest and ids[-1] != Characters.END:
        seen = torch.tensor([ids[-model.context :]], device=device)
        ids.append(int(torch.multinomial(model(seen)[0, -1].float().softmax(-1), 1)))
    return characters.decode(ids)


def main() -> None:
    """Train, stop early, evaluate the best epoch on the test split, and write a text."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    splits = document_splits(settings, letters())
    texts = [part[settings.text_column] for part in (splits.train, splits.val, splits.test)]
    characters = Characters(texts[0])
    train, val, test = (Windows(part, characters, settings.context) for part in texts)
    print(f"{splits}; {len(characters):,} characters; {len(train):,} training windows")
    train_loader = DataLoader(train, settings.batch, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val, 64, collate_fn=collate)
    test_loader = DataLoader(test, 64, collate_fn=collate)

    model = GPT(len(characters), settings).to(device)
    matrices = [one for one in model.parameters() if one.dim() > 1]
    vectors = [one for one in model.parameters() if one.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
        lr=settings.lr, weight_decay=settings.weight_decay, betas=(0.9, 0.95),
    )  # fmt: skip
    steps = settings.epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.lr, total_steps=steps, pct_start=settings.warmup, cycle_momentum=False
    )
    scaler = hardware.scaler
    run = Run(
        settings, "causal_lm", monitor="bits_per_character", mode="min",
        patience=settings.patience, keep={"characters": characters.all},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    for epoch in run.epochs():
        model.train()
        total = 0.0
        for ids, targets in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            ids, targets = ids.to(device), targets.to(device)
            optimizer.zero_grad()
            with hardware.autocast():
                loss = surprise(model(ids), targets, "mean")
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)  # clipping must see the true gradients
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            total += loss.item() * len(ids)
        run.finish_epoch(total / len(train), evaluate(model, val_loader, device))

    run.load_best()
    text = written(model, characters, device)
    print(f"\n{text}\n")
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device),
        test=evaluate(model, test_loader, device),
        counts_of_three_bits=counted_bits(texts[0], texts[2], characters),
        sample=text,
    )


if __name__ == "__main__":
    main()
