"""Seeds of a script are shifted, and only while that is asked for."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from mldoctor.trainee.reseeding import shifted


def draws():
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - what scripts call
    random.seed(3)
    return (
        torch.rand(1).item(),
        np.random.rand(),  # noqa: NPY002 - what scripts call
        random.random(),  # noqa: S311 - no secret
        np.random.default_rng(3).random(),
    )


@pytest.mark.parametrize("by", [1, 2])
def test_every_seed_of_the_script_becomes_another(by):
    plain = draws()
    with shifted(by):
        other = draws()
        assert draws() == other
    assert all(a != b for a, b in zip(plain, other, strict=True))
    assert draws() == plain


def test_no_shift_changes_nothing_and_what_is_no_number_stays():
    plain, seeding = draws(), torch.manual_seed
    with shifted(0):
        assert draws() == plain
    with shifted(1):
        random.seed("text")
        first = random.random()  # noqa: S311 - no secret
        np.random.default_rng(seed=None)
    random.seed("text")
    assert random.random() == first  # noqa: S311 - no secret
    assert torch.manual_seed is seeding
