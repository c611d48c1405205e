"""Keep the examined script from telling the world: trackers stay silent, nothing is pushed."""

from __future__ import annotations

import os
import sys
from concurrent.futures import Future
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Variable, the value that keeps a tracker off-line and off the disk, and what the user may have set
# instead because it is as strict ("*": any value but an empty one or a zero).
TRACKERS = (
    ("WANDB_MODE", "disabled", ()),
    ("WANDB_SILENT", "true", ("*",)),
    ("COMET_MODE", "disabled", ()),
    ("COMET_START_MODE", "disabled", ()),
    ("COMET_START_ONLINE", "0", ("0",)),
    ("NEPTUNE_MODE", "debug", ()),
    ("SWANLAB_MODE", "disabled", ()),
    ("CLEARML_OFFLINE_MODE", "1", ("*",)),
    ("DVC_NO_ANALYTICS", "true", ("*",)),
    ("DO_NOT_TRACK", "1", ("*",)),
    ("HF_HUB_DISABLE_TELEMETRY", "1", ("*",)),
    ("DISABLE_TELEMETRY", "1", ("*",)),
    ("GRADIO_ANALYTICS_ENABLED", "False", ("0", "false")),
    ("NO_ALBUMENTATIONS_UPDATE", "1", ("*",)),
    # A window that nobody closes would keep the script waiting.
    ("MPLBACKEND", "Agg", ("agg", "svg", "pdf", "ps", "cairo", "template")),
)

# Where libraries keep what native code, compilers or child processes write and read back. Those do
# not pass through Python's file functions, so the folders themselves are in the scratch folder.
FOLDERS = {
    "TMPDIR": "tmp",
    "TEMP": "tmp",
    "TMP": "tmp",
    "MLFLOW_TRACKING_URI": "mlflow",
    "COMET_OFFLINE_DIRECTORY": "comet",
    "TRACKIO_DIR": "trackio",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "TORCH_EXTENSIONS_DIR": "extensions",
    "NUMBA_CACHE_DIR": "numba",
    "HF_MODULES_CACHE": "hf_modules",
}

PUSHES = (
    "create_branch",
    "create_commit",
    "create_pull_request",
    "create_repo",
    "create_tag",
    "delete_branch",
    "delete_file",
    "delete_files",
    "delete_folder",
    "delete_repo",
    "delete_tag",
    "move_repo",
    "preupload_lfs_files",
    "super_squash_history",
    "update_repo_settings",
    "upload_file",
    "upload_folder",
    "upload_large_folder",
)


def environment(scratch: Path) -> dict[str, str]:
    """The variables to set while the script runs, given those that the user has set."""
    chosen = {}
    for name, value, as_strict in TRACKERS:
        users = os.environ.get(name, "")
        kept = users and (users.lower() in as_strict or ("*" in as_strict and _is_on(users)))
        if not kept:
            chosen[name] = value
    for name, folder in FOLDERS.items():
        path = scratch / folder
        path.mkdir(exist_ok=True)
        chosen[name] = path.as_uri() if name.endswith("_URI") else str(path)
    return chosen


def _is_on(value: str) -> bool:
    return value.lower() not in ("0", "false", "no", "off")


def silence(module: str, replace: Callable[[Any, str, Any], None]) -> None:
    """Make the uploads of a library that has just been imported do nothing.

    Args:
        module: its name, one of `SILENCED`.
        replace: sets an attribute of an object and remembers what it was.
    """
    library = sys.modules[module]
    if module == "tensorboard.compat":
        # Its own stub writes event files through Python; TensorFlow would write them natively.
        replace(sys.modules, "tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
        return
    if module == "huggingface_hub.repocard":
        replace(library.RepoCard, "push_to_hub", _answer("push_to_hub", library))
        return
    for name in PUSHES:
        if hasattr(library.HfApi, name):
            replace(library.HfApi, name, _answer(name, library))
            # The functions of the module are methods of one instance, bound at import.
            if hasattr(library, name):
                replace(library, name, getattr(library.api, name))


SILENCED = ("huggingface_hub.hf_api", "huggingface_hub.repocard", "tensorboard.compat")


def _answer(name: str, library: ModuleType) -> Callable[..., Any]:
    """A method that does nothing and answers as if it had."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        del self
        named = kwargs.get("repo_id") or next((a for a in args if isinstance(a, str)), "")
        repo = named if "/" in named else f"examined/{named or 'nothing'}"
        url = f"https://huggingface.co/{repo}"
        answer: Any = None
        if name == "create_repo":
            answer = library.RepoUrl(url)
        elif name.startswith(("create_commit", "upload_f", "delete_f")) or name == "push_to_hub":
            info = getattr(library, "CommitInfo", None)
            answer = url if info is None else info(f"{url}/commit/0", "not pushed", "", "0")
        if kwargs.get("run_as_future"):
            future: Future[Any] = Future()
            future.set_result(answer)
            return future
        return answer

    method.__name__ = name
    return method
