"""A GAN on a ring of Gaussians, in Lightning with manual optimisation."""

import math
import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def ring(n, modes=8, sd=0.05):
    k = torch.randint(0, modes, (n,))
    a = 2 * math.pi * k / modes
    return torch.stack([a.cos(), a.sin()], 1) + sd * torch.randn(n, 2)


def mlp(i, o, w=64):
    return nn.Sequential(
        nn.Linear(i, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, o)
    )


class RingGAN(L.LightningModule):
    def __init__(self, latent=8, lr=2e-4, betas=(0.5, 0.999)):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.G = mlp(latent, 2)
        self.D = mlp(2, 1)

    def forward(self, z):
        return self.G(z)

    @staticmethod
    def adversarial(logits, real):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))

    def training_step(self, batch, batch_idx):
        (real,) = batch
        opt_g, opt_d = self.optimizers()
        z = torch.randn(len(real), self.hparams.latent, device=self.device)

        self.toggle_optimizer(opt_d)
        fake = self(z).detach()
        d_loss = 0.5 * (self.adversarial(self.D(real), 1) + self.adversarial(self.D(fake), 0))
        opt_d.zero_grad()
        self.manual_backward(d_loss)
        opt_d.step()
        self.untoggle_optimizer(opt_d)

        fake = self(z)
        g_loss = self.adversarial(self.D(fake), 1)
        opt_g.zero_grad()
        opt_d.zero_grad()
        self.manual_backward(g_loss)
        opt_d.step()
        self.log_dict({"g": g_loss, "d": d_loss}, on_epoch=True)

    def on_train_epoch_end(self):
        with torch.no_grad():
            r = self(torch.randn(256, self.hparams.latent)).norm(dim=1)
        print(f"epoch {self.current_epoch}: radius {r.mean():.2f} +- {r.std():.2f}")

    def configure_optimizers(self):
        h = self.hparams
        return (
            torch.optim.Adam(self.G.parameters(), lr=h.lr, betas=h.betas),
            torch.optim.Adam(self.D.parameters(), lr=h.lr, betas=h.betas),
        )


if __name__ == "__main__":
    L.seed_everything(0)
    loader = DataLoader(TensorDataset(ring(4000)), 64, shuffle=True, drop_last=True)
    trainer = L.Trainer(
        max_epochs=12,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(RingGAN(), loader)
