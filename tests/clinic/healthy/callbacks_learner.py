"""A Learner with callbacks, fastai fashion, built from plain PyTorch."""

import math
from functools import partial

import torch
from sklearn.datasets import load_digits
from torch import nn, optim, tensor
from torch.utils.data import DataLoader, Dataset


class CancelFitException(Exception):
    pass


class Callback:
    order = 0


class TrainEvalCB(Callback):
    def before_epoch(self, learn):
        learn.model.train(learn.training)


class MetricsCB(Callback):
    order = 2

    def before_epoch(self, learn):
        self.n, self.loss, self.right = 0, 0.0, 0

    def after_batch(self, learn):
        self.n += len(learn.yb)
        self.loss += learn.loss.item() * len(learn.yb)
        self.right += (learn.preds.argmax(1) == learn.yb).sum().item()

    def after_epoch(self, learn):
        kind = "train" if learn.training else "valid"
        print(f"{learn.epoch} {kind}: loss {self.loss / self.n:.4f} accuracy {self.right / self.n:.4f}")


class BatchSchedCB(Callback):
    order = 1

    def __init__(self, sched):
        self.sched = sched

    def before_fit(self, learn):
        self.sch = self.sched(learn.opt)

    def after_batch(self, learn):
        if learn.training:
            self.sch.step()


class NanStopCB(Callback):
    order = 3

    def after_batch(self, learn):
        if not math.isfinite(learn.loss.item()):
            raise CancelFitException


class DataLoaders:
    def __init__(self, train, valid):
        self.train, self.valid = train, valid


class Learner:
    def __init__(self, model, dls, loss_func, lr, cbs, opt_func=optim.Adam):
        self.model, self.dls, self.loss_func, self.lr, self.opt_func = model, dls, loss_func, lr, opt_func
        self.cbs = sorted(cbs, key=lambda cb: cb.order)

    def callback(self, name):
        for cb in self.cbs:
            method = getattr(cb, name, None)
            if method is not None:
                method(self)

    def one_batch(self):
        self.xb, self.yb = self.batch
        self.preds = self.model(self.xb)
        self.loss = self.loss_func(self.preds, self.yb)
        if self.training:
            self.loss.backward()
            self.opt.step()
            self.opt.zero_grad()
        self.callback("after_batch")

    def one_epoch(self, training):
        self.training = training
        self.callback("before_epoch")
        for self.iter, self.batch in enumerate(self.dls.train if training else self.dls.valid):
            self.one_batch()
        self.callback("after_epoch")

    def fit(self, n_epochs):
        self.opt = self.opt_func(self.model.parameters(), self.lr)
        try:
            self.callback("before_fit")
            for self.epoch in range(n_epochs):
                self.one_epoch(True)
                with torch.no_grad():
                    self.one_epoch(False)
        except CancelFitException:
            print("stopped")


class Images(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class ResBlock(nn.Module):
    def __init__(self, ni, nf, stride=1):
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(ni, nf, 3, stride, 1, bias=False), nn.BatchNorm2d(nf), nn.ReLU(), nn.Conv2d(nf, nf, 3, 1, 1, bias=False), nn.BatchNorm2d(nf)
        )
        self.idconv = nn.Identity() if ni == nf and stride == 1 else nn.Conv2d(ni, nf, 1, stride)

    def forward(self, x):
        return torch.relu(self.convs(x) + self.idconv(x))


torch.manual_seed(1)
digits = load_digits()
perm = torch.randperm(len(digits.target))
x, y = tensor(digits.images).float()[perm, None], tensor(digits.target)[perm]
xmean, xstd = x[:1400].mean(), x[:1400].std()
x = (x - xmean) / xstd
dls = DataLoaders(DataLoader(Images(x[:1400], y[:1400]), 64, shuffle=True), DataLoader(Images(x[1400:], y[1400:]), 128))
model = nn.Sequential(ResBlock(1, 12), ResBlock(12, 24, 2), ResBlock(24, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
epochs, lr = 4, 1e-2
sched = partial(optim.lr_scheduler.OneCycleLR, max_lr=lr, total_steps=epochs * len(dls.train))
learn = Learner(model, dls, nn.CrossEntropyLoss(), lr, [TrainEvalCB(), MetricsCB(), BatchSchedCB(sched), NanStopCB()])
learn.fit(epochs)
