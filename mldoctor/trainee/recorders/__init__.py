"""Recorders: global hooks and patches that write the tape and hand over control.

Each recorder installs its hooks and patches through the `Session`, which takes them away again.
Recorders only look: the script gets the same values, in the same order, with the same random
numbers, as without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.trainee.recorders.backward import BackwardRecorder
from mldoctor.trainee.recorders.checkpoints import CheckpointRecorder
from mldoctor.trainee.recorders.differences import DifferenceRecorder
from mldoctor.trainee.recorders.likelihoods import LikelihoodRecorder
from mldoctor.trainee.recorders.loaders import LoaderRecorder
from mldoctor.trainee.recorders.losses import LossRecorder
from mldoctor.trainee.recorders.modules import ModuleRecorder
from mldoctor.trainee.recorders.optimizers import OptimizerRecorder
from mldoctor.trainee.recorders.randomness import RandomRecorder
from mldoctor.trainee.recorders.schedules import ScheduleRecorder
from mldoctor.trainee.recorders.session import Control, Session
from mldoctor.trainee.recorders.weights import WeightRecorder

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape

__all__ = ["Control", "Recorders"]


class Recorders:
    """Every recorder of one script, over one session."""

    def __init__(self, tape: Tape, control: Control) -> None:
        self.session = Session(tape, control)
        self.modules = ModuleRecorder(self.session)
        self.losses = LossRecorder(self.session, self.modules)
        self._all = (
            LoaderRecorder(self.session),
            OptimizerRecorder(self.session),
            ScheduleRecorder(self.session),
            self.modules,
            RandomRecorder(self.session),
            CheckpointRecorder(self.session),
            WeightRecorder(self.session),
            self.losses,
            DifferenceRecorder(self.session),
            LikelihoodRecorder(self.session),
            BackwardRecorder(self.session, self.modules, self.losses),
        )

    def install(self) -> None:
        """Put every hook and patch in place."""
        for recorder in self._all:
            recorder.install()

    def remove(self) -> None:
        """Take every hook and patch away again."""
        self.session.remove()
