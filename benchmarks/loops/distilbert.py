"""A classifier of DistilBERT's size (66 million parameters), not pretrained."""

import argparse

import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import DistilBertConfig, DistilBertForSequenceClassification


def model():
    return DistilBertForSequenceClassification(DistilBertConfig())


def data():
    torch.manual_seed(0)
    ids = torch.randint(1000, 30000, (400, 32))
    y = torch.randint(2, (400,))
    ids[:, 1] = 2000 + 100 * y
    return TensorDataset(ids, y)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    steps = parser.parse_args().steps
    net, loader = model(), DataLoader(data(), batch_size=8, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-5)
    done = 0
    while done < steps:
        for ids, y in loader:
            loss = net(input_ids=ids, labels=y).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                return


if __name__ == "__main__":
    main()
