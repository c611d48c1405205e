"""The recorder of data loaders: every request for a batch is a control point."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from mldoctor.trainee import samples, sites
from mldoctor.trainee.names import given_name
from mldoctor.trainee.tape import LoaderInfo

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class WatchedIterator:
    """A loader's iterator whose `next` is a control point."""

    def __init__(self, recorder: LoaderRecorder, loader: int, real: Any) -> None:
        self._recorder, self._loader, self._real = recorder, loader, real

    def __iter__(self) -> WatchedIterator:
        return self

    def __next__(self) -> Any:
        return self._recorder.request(self._loader, self._real)

    def __len__(self) -> int:
        return len(self._real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class LoaderRecorder:
    """Watches DataLoaders being built, iterated and read."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def install(self) -> None:
        """Patch the loader's construction and iteration."""
        self.session.patch(DataLoader, "__init__", self._loader_init)
        self.session.patch(DataLoader, "__iter__", self._loader_iter)
        self.session.patch(DistributedSampler, "set_epoch", self._set_epoch)

    def _set_epoch(self, original: Any) -> Any:
        def set_epoch(sampler: Any, epoch: int) -> None:
            original(sampler, epoch)
            if self.session.live():
                self.session.tape.told.add(id(sampler))

        return set_epoch

    def _loader_init(self, original: Any) -> Any:
        def init(loader: Any, *args: Any, **kwargs: Any) -> None:
            original(loader, *args, **kwargs)
            if self.session.live():
                self._loader_index(loader)

        return init

    def _loader_index(self, loader: Any) -> int:
        for index, info in enumerate(self.session.tape.loaders):
            if info.loader is loader:
                return index
        # A loader that the script builds and drops again is none of its loaders: only those that
        # are read are kept alive.
        size = getattr(loader, "batch_size", None)
        made = LoaderInfo(weakref.ref(loader), sites.current_site(), batch_size=size or None)
        for index, info in enumerate(self.session.tape.loaders):
            if _follows(made, info):
                info.known, info.in_use = made.known, None
                return index
        self.session.tape.loaders.append(made)
        return len(self.session.tape.loaders) - 1

    def _loader_iter(self, original: Any) -> Any:
        def iterate(loader: Any) -> Any:
            real = original(loader)
            if not self.session.live():
                return real
            index = self._loader_index(loader)
            self.session.tape.loaders[index].iterators += 1
            self.session.tape.loaders[index].in_use = loader
            self._name_all()
            if self.session.tape.recording:
                self.session.tape.loaders[index].states.add(_state(loader))
            watched = WatchedIterator(self, index, real)
            self.session.tape.loaders[index].reader = weakref.ref(watched)
            return watched

        return iterate

    def _name_all(self) -> None:
        """What the script calls the loaders that it has by now."""
        for info in self.session.tape.loaders:
            if not info.name and info.loader is not None:
                info.name = given_name(info.loader, sys._getframe(1))  # noqa: SLF001 - see sites

    def request(self, loader: int, real: Any) -> Any:
        """A loop asks loader number `loader` for its next batch."""
        if not self.session.live():
            return next(real)
        info = self.session.tape.loaders[loader]
        info.requests += 1
        event = self.session.event("batch", who=loader, details={"grad": torch.is_grad_enabled()})
        try:
            return self.session.control.next_batch(loader, real)
        except StopIteration:
            info.ends += 1
            event.details["end"] = True
            raise


def _state(loader: Any) -> frozenset[tuple[str, Any]]:
    """The attributes of a dataset: plain values as they are, others by which object they are."""
    held = getattr(samples.innermost(getattr(loader, "dataset", None)), "__dict__", {})
    plain = (str, int, float, bool, type(None))
    return frozenset((str(k), v if isinstance(v, plain) else id(v)) for k, v in held.items())


def _follows(made: LoaderInfo, info: LoaderInfo) -> bool:
    """Whether a new loader takes the place of one that was read: built for every epoch anew.

    Both are built by one line over equal data sets, and the loop over the older one is over.
    """
    old, new = info.in_use, made.loader
    if old is None or made.site is None or made.site != info.site or info.reader is None:
        return False
    if info.reader() is not None and info.ends < info.iterators:
        return False
    alike = type(old.dataset) is type(new.dataset) and old.batch_size == new.batch_size
    if not alike or _length(old.dataset) != _length(new.dataset):
        return False
    # Beside the tape's reference and those of this function, a loader in use has one of the script's.
    dropped = sys.getrefcount(old) <= HELD_HERE
    return dropped or old.dataset is new.dataset


HELD_HERE = 3
"""References to a loader that the script has dropped: the tape, a local name, and an argument."""


def _length(dataset: Any) -> int | None:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None  # a stream does not know
