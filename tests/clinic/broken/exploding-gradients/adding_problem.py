import torch
import torch.nn as nn

SEQ, HIDDEN, BATCH = 60, 64, 32


def adding_problem(n, generator):
    values = torch.rand(n, SEQ, generator=generator)
    marks = torch.zeros(n, SEQ)
    first = torch.randint(0, SEQ // 2, (n,), generator=generator)
    second = torch.randint(SEQ // 2, SEQ, (n,), generator=generator)
    marks[torch.arange(n), first] = 1
    marks[torch.arange(n), second] = 1
    return torch.stack([values, marks], dim=-1), (values * marks).sum(1, keepdim=True)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, HIDDEN, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(HIDDEN, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


def main():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    model = Adder()
    opt = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for step in range(200):
        x, y = adding_problem(BATCH, generator)
        loss = nn.functional.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 20 == 0:
            print(step, loss.item())


main()
