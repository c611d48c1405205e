"""The file functions of Python as they were before a sandbox replaced them.

While a sandbox is on, `open`, `os.stat` and their kin belong to the examined script. mldoctor's own
code takes them from here: a sandbox leaves the names in mldoctor's modules alone.
"""

from __future__ import annotations

import sys
from io import FileIO, open_code
from io import open as open_file
from os import (
    access,
    chdir,
    chmod,
    chown,
    fchdir,
    fchmod,
    fchown,
    fstat,
    getcwd,
    lchown,
    link,
    listdir,
    lstat,
    mkdir,
    mkfifo,
    mknod,
    pathconf,
    readlink,
    rename,
    rmdir,
    scandir,
    stat,
    statvfs,
    symlink,
    truncate,
    unlink,
    utime,
)
from os import open as open_fd

if sys.platform == "linux":
    from os import getxattr, listxattr, removexattr, setxattr

    EXTENDED = ("getxattr", "listxattr", "removexattr", "setxattr")
else:
    EXTENDED = ()

__all__ = [
    "EXTENDED",
    "FileIO",
    "access",
    "chdir",
    "chmod",
    "chown",
    "fchdir",
    "fchmod",
    "fchown",
    "fstat",
    "getcwd",
    "lchown",
    "link",
    "listdir",
    "lstat",
    "mkdir",
    "mkfifo",
    "mknod",
    "open_code",
    "open_fd",
    "open_file",
    "pathconf",
    "readlink",
    "rename",
    "rmdir",
    "scandir",
    "stat",
    "statvfs",
    "symlink",
    "truncate",
    "unlink",
    "utime",
]
if sys.platform == "linux":
    __all__ += ["getxattr", "listxattr", "removexattr", "setxattr"]
