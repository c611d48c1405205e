"""Which samples a loader can reach."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

from mldoctor.trainee import samples


def test_a_sampler_over_a_part_reaches_that_part_only():
    dataset = TensorDataset(torch.arange(10.0))
    part = DataLoader(dataset, 2, sampler=SubsetRandomSampler([7, 3, 3, 5]))
    assert samples.reach(part) == [3, 5, 7]
    assert [row.index for row in samples.read(part, 1.0, 100)] == [3, 5, 7]
    assert samples.reach(DataLoader(dataset, 2, shuffle=True)) is None
    assert len(list(samples.read(DataLoader(dataset, 2, shuffle=True), 1.0, 100))) == 10
