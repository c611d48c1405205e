"""ViT on small colour shapes, channel-last arrays on disk, Trainer."""
import numpy as np, torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

rs = np.random.RandomState(0)
torch.manual_seed(0)


def draw(kind, size=32):
    img = rs.normal(90, 18, (size, size, 3)) + np.linspace(0, 40, size)[:, None, None]
    colour = rs.randint(120, 255, 3)
    cy, cx, r = rs.randint(10, 22), rs.randint(10, 22), rs.randint(5, 9)
    yy, xx = np.mgrid[:size, :size]
    if kind == 0:
        m = (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
    elif kind == 1:
        m = (abs(yy - cy) < r) & (abs(xx - cx) < r)
    elif kind == 2:
        m = abs(yy - cy) < 2
    else:
        m = abs(xx - cx) < 2
    img[m] = colour + rs.normal(0, 8, 3)
    return img.clip(0, 255).astype(np.uint8)


class Shapes(Dataset):
    mean, std = np.array([0.45, 0.45, 0.45]), np.array([0.2, 0.2, 0.2])

    def __init__(self, n):
        self.y = rs.randint(0, 4, n)
        self.x = [draw(k) for k in self.y]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = (self.x[i] / 255.0 - self.mean) / self.std
        x = x.reshape(3, 32, 32)
        return {"pixel_values": torch.tensor(x, dtype=torch.float32), "labels": int(self.y[i])}


model = ViTForImageClassification(ViTConfig(image_size=32, patch_size=8, num_channels=3, hidden_size=64,
                                            num_hidden_layers=3, num_attention_heads=4, intermediate_size=128,
                                            num_labels=4))
args = TrainingArguments("vit_shapes", num_train_epochs=4, per_device_train_batch_size=32, learning_rate=1e-3,
                         eval_strategy="epoch", save_strategy="no", report_to="none", use_cpu=True, logging_steps=10)
tr = Trainer(model=model, args=args, train_dataset=Shapes(800), eval_dataset=Shapes(160),
             compute_metrics=lambda p: {"acc": float((p.predictions.argmax(1) == p.label_ids).mean())})
tr.train()
