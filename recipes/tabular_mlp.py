"""A multilayer perceptron for a table of numbers and categories.

    python recipes/tabular_mlp.py
    python recipes/tabular_mlp.py --data loans.csv --label_column default --ignore_columns id name

Gaps are filled and flagged, numbers brought to one scale, categories made columns: all measured on
the training rows alone, and saved beside the checkpoint. Rows with the same features stay in one
split. Try gradient boosting as well before trusting this one: on tables it is hard to beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import joblib
import torch
from kit import scores
from kit.columns import preprocessor, table_splits
from kit.run import Run, start
from kit.samples.loans import loans
from kit.settings import RunSettings, parse, setting
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


@dataclass(frozen=True)
class Settings(RunSettings):
    """Each value with its reason."""

    label_column: str = setting("label", "column of the classes, of any type")
    ignore_columns: list[str] = setting([], "columns that say nothing, or too much: ids, results")
    width: int = setting(128, "units a layer; tables of a few thousand rows need no more")
    dropout: float = setting(0.2, "rows are few and columns many")
    lr: float = setting(2e-3, "falls by half when the score stands still for two epochs")
    weight_decay: float = setting(1e-3, "a mild one; dropout does most of the work")
    batch: int = setting(64, "enough rows for a steady gradient, and many updates an epoch")
    epochs: int = setting(60, "an upper bound; early stopping decides")
    patience: int = setting(8, "epochs without a better macro-F1 before training stops")


def network(columns: int, classes: int, settings: Settings) -> nn.Sequential:
    """Two hidden layers; normalised by row, so that no batch statistics are needed."""
    layers: list[nn.Module] = []
    for inputs in (columns, settings.width):
        layers += [nn.Linear(inputs, settings.width), nn.LayerNorm(settings.width), nn.ReLU(),
                   nn.Dropout(settings.dropout)]  # fmt: skip
    return nn.Sequential(*layers, nn.Linear(settings.width, classes))


@torch.inference_mode()
def evaluate(
    model: nn.Module, loader: DataLoader, device: torch.device, classes: list[str]
) -> dict:
    """Scores over a whole split, not an average over its batches."""
    model.eval()
    targets, predicted = [], []
    for features, target in loader:
        predicted += model(features.to(device)).argmax(-1).tolist()
        targets += target.tolist()
    return scores.classification(targets, predicted, classes)


def main() -> None:
    """Train, stop early, and evaluate the best epoch on the test split."""
    settings = parse(Settings, __doc__)
    hardware = start(settings)
    device = hardware.device
    splits, columns = table_splits(settings, loans())
    prepare = preprocessor(splits.train[columns]).fit(splits.train[columns])
    train, val, test = (
        TensorDataset(
            torch.tensor(prepare.transform(part[columns]), dtype=torch.float32),
            torch.tensor(part.target.to_numpy()),
        )
        for part in (splits.train, splits.val, splits.test)
    )
    inputs = train.tensors[0].shape[1]
    print(f"{splits}; {len(columns)} columns become {inputs} inputs")
    train_loader = DataLoader(train, settings.batch, shuffle=True)
    val_loader = DataLoader(val, 1024)
    test_loader = DataLoader(test, 1024)

    model = network(inputs, len(splits.classes), settings).to(device)
    shares = torch.bincount(train.tensors[1]) / len(train)
    weights = shares.rsqrt() / (shares * shares.rsqrt()).sum()  # rare classes count somewhat more
    criterion = nn.CrossEntropyLoss(weight=weights).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.5, patience=2
    )
    scaler = hardware.scaler
    run = Run(
        settings, "tabular_mlp", monitor="macro_f1", patience=settings.patience,
        keep={"classes": splits.classes, "columns": columns},
        model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler,
    )  # fmt: skip
    joblib.dump(prepare, run.out / "preprocessor.joblib")
    for epoch in run.epochs():
        model.train()
        total = 0.0
        for features, target in tqdm(train_loader, f"epoch {epoch}", leave=False, disable=None):
            features, target = features.to(device), target.to(device)
            optimizer.zero_grad()
            with hardware.autocast():
                loss = criterion(model(features), target)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(target)
        result = evaluate(model, val_loader, device, splits.classes)
        scheduler.step(result["macro_f1"])
        run.finish_epoch(total / len(train), result)

    run.load_best()
    run.summarise(
        splits.counts,
        val=evaluate(model, val_loader, device, splits.classes),
        test=evaluate(model, test_loader, device, splits.classes),
    )


if __name__ == "__main__":
    main()
