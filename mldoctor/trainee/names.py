"""The name by which the user's own code knows an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mldoctor.trainee.sites import user_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType


def name_in_frames(wanted: object, frame: FrameType | None) -> str:
    """The variable or attribute that holds `wanted` in the user's frames, or its class name.

    >>> model = object()
    >>> name_in_frames(model, None)
    'object'
    """
    frame = user_frame(frame)
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            name = _held_by(wanted, scope)
            if name:
                return name
        frame = user_frame(frame.f_back)
    return type(wanted).__name__


def _held_by(wanted: object, scope: Mapping[str, object]) -> str:
    for name, value in list(scope.items()):
        if value is wanted and name != "self" and not name.startswith("_"):
            return name
    owner = scope.get("self")
    attributes: dict[str, Any] = getattr(owner, "__dict__", None) or {}
    nested: list[dict[str, Any]] = [attributes, attributes.get("_modules") or {}]
    for held in nested:
        for name, value in list(held.items()):
            if value is wanted and not name.startswith("_"):
                return name
    return ""


def given_name(wanted: object, frame: FrameType | None) -> str:
    """The name that the outermost user frame has for `wanted`: where it was made, not passed on.

    The entry of a dictionary counts under its key: `loaders["val"]` is `val`.
    """
    found = ""
    frame = user_frame(frame)
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            found = _held_by(wanted, scope) or _key_of(wanted, scope) or found
        frame = user_frame(frame.f_back)
    return found


def _key_of(wanted: object, scope: Mapping[str, object]) -> str:
    for held in list(scope.values()):
        if type(held) is dict:
            for key, value in list(held.items()):
                if value is wanted and isinstance(key, str):
                    return key
    return ""
