"""Leaf diseases from pictures in folders: Trainer and a small ViT, a pipeline of its own for each split."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification, set_seed

set_seed(6)
MEAN, STD = np.array([0.42, 0.45, 0.30], "float32"), np.array([0.20, 0.19, 0.16], "float32")
SPOTS = {"blight": (120, 70, 30), "healthy": (70, 140, 50), "mildew": (205, 205, 190), "rust": (200, 95, 40)}


def grow(folder, count, draw):
    rows, columns = np.mgrid[:24, :24]
    for name, colour in SPOTS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            leaf = np.array([95, 135, 60]) * draw.uniform(0.7, 1.2) + draw.normal(0, 18, (24, 24, 3))
            for _ in range(3):
                y, x, r = draw.integers(4, 20), draw.integers(4, 20), draw.uniform(2, 4.5)
                leaf[(rows - y) ** 2 + (columns - x) ** 2 < r * r] = np.array(colour) + draw.normal(0, 22, 3)
            Image.fromarray(leaf.clip(0, 255).astype("uint8")).save(folder / name / f"{number:03d}.png")


def open_picture(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype="float32")


def open_frame(path):
    frame = np.frombuffer(Image.open(path).convert("RGB").tobytes("raw", "BGR"), dtype="uint8")
    return frame.reshape(24, 24, 3).astype("float32")


class Leaves(Dataset):
    def __init__(self, folder, reader, flip):
        self.files = sorted(folder.glob("*/*.png"))
        self.names = sorted(SPOTS)
        self.reader, self.flip = reader, flip

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        pixels = (self.reader(self.files[i]) / 255 - MEAN) / STD
        if self.flip and torch.rand(()) < 0.5:
            pixels = pixels[:, ::-1]
        picture = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return {"pixel_values": picture, "labels": self.names.index(self.files[i].parent.name)}


root, draw = Path(tempfile.mkdtemp()), np.random.default_rng(6)
grow(root / "train", 130, draw)
grow(root / "field", 40, draw)
model = ViTForImageClassification(
    ViTConfig(
        image_size=24,
        patch_size=6,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        num_labels=4,
    )
)
args = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=5,
    per_device_train_batch_size=40,
    per_device_eval_batch_size=80,
    learning_rate=1e-3,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=13,
    report_to=[],
    use_cpu=True,
)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=Leaves(root / "train", open_picture, flip=True),
    eval_dataset=Leaves(root / "field", open_frame, flip=False),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
