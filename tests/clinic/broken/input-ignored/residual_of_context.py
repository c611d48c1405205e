import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

set_seed(127)


class Demand(Dataset):
    """Sales of the next day from the last weeks and tomorrow's weather."""

    def __init__(self, n):
        self.history = torch.randn(n, 28, 1).cumsum(1) / 5
        self.weather = torch.randn(n, 4)
        effect = self.weather @ torch.tensor([0.8, -0.5, 0.3, 0.0])
        self.sales = self.history[:, -1, 0] + effect + 0.1 * torch.randn(n)

    def __len__(self):
        return len(self.sales)

    def __getitem__(self, i):
        return {"history": self.history[i], "weather": self.weather[i], "labels": self.sales[i]}


class DemandModel(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.past = nn.GRU(1, width, batch_first=True)
        self.sky = nn.Sequential(nn.Linear(4, width), nn.ReLU())
        self.out = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, history, weather, labels=None):
        past = self.past(history)[1][-1]
        sky = self.sky(torch.zeros_like(weather))
        sales = self.out(torch.cat([past, sky], dim=-1)).squeeze(-1)
        loss = nn.functional.mse_loss(sales, labels) if labels is not None else None
        return {"loss": loss, "predictions": sales}


arguments = TrainingArguments("demand", num_train_epochs=4, per_device_train_batch_size=32, learning_rate=3e-3, report_to=[], save_strategy="no", logging_steps=25, disable_tqdm=True, use_cpu=True)
trainer = Trainer(DemandModel(), arguments, train_dataset=Demand(1200))
trainer.train()
