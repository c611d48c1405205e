"""Hugging Face encoders and their tokenizers, from a checkpoint or made in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from tokenizers.implementations import BertWordPieceTokenizer
from torch.utils.data import Dataset
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from kit.settings import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor
    from transformers import PretrainedConfig

FRESH_WORDS = 2000
"""Word pieces of a tokenizer that is trained in place."""


def load_encoder(
    checkpoint: str | None, fresh: PretrainedConfig, texts: Iterable[str]
) -> tuple[Any, Any]:
    """Tokenizer and encoder.

    Args:
        checkpoint: a folder or a name that `from_pretrained` takes; None to start from nothing.
        fresh: the encoder to build without a checkpoint; its vocabulary size is filled in.
        texts: what the tokenizer is trained on without a checkpoint; the training split only.
    """
    if checkpoint is None:
        tokenizer = _trained_tokenizer(texts)
        fresh.vocab_size, fresh.pad_token_id = len(tokenizer), tokenizer.pad_token_id
        return tokenizer, AutoModel.from_config(fresh)
    try:
        return AutoTokenizer.from_pretrained(checkpoint), AutoModel.from_pretrained(checkpoint)
    except (OSError, ValueError) as error:
        refuse(f"--checkpoint {checkpoint} cannot be loaded: {str(error).splitlines()[0]}")


def _trained_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(texts, vocab_size=FRESH_WORDS, show_progress=False)
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    names = {f"{name}_token": token for name, token in special.items()}
    return PreTrainedTokenizerFast(tokenizer_object=pieces._tokenizer, **names)  # noqa: SLF001


class EncodedTexts(Dataset[dict[str, Any]]):
    """Texts as the tokenizer gives them, cut to what the encoder can take."""

    def __init__(
        self, texts: Iterable[str], targets: Any, tokenizer: Any, encoder: Any, longest: int
    ) -> None:
        positions = getattr(encoder.config, "max_position_embeddings", longest)
        limit = min(longest, positions, tokenizer.model_max_length)
        kept = tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
        self.rows, self.targets = kept, list(targets)
        self.shortened = sum(len(row) == limit for row in kept)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.rows[index], "target": self.targets[index]}


@dataclass(frozen=True)
class Collate:
    """Batches padded to their longest text, with the mask that says what is text."""

    tokenizer: Any
    target_dtype: torch.dtype = torch.long

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """`input_ids` and `attention_mask` `[batch, pieces]`, `target` `[batch]` or more."""
        padded = self.tokenizer.pad(
            {"input_ids": [row["input_ids"] for row in rows]}, return_tensors="pt"
        )
        target = torch.tensor([row["target"] for row in rows], dtype=self.target_dtype)
        return {
            "input_ids": padded["input_ids"],
            "attention_mask": padded["attention_mask"],
            "target": target,
        }
