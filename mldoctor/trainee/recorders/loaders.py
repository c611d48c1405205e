"""The recorder of data loaders: every request for a batch is a control point."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from mldoctor.trainee import sites
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
        self.session.tape.loaders.append(
            LoaderInfo(weakref.ref(loader), sites.current_site(), batch_size=size or None)
        )
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
            return WatchedIterator(self, index, real)

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
