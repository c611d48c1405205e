"""A project with results of earlier runs, and a sandbox over it."""

import pytest

from mldoctor.trainee.sandbox import Sandbox


def seen_from_outside(folder):
    """Everything that a write could change: names, contents, modes, times, link targets."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_uid, content)
    return found


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with results of earlier runs, which must be the same afterwards."""
    folder = tmp_path / "project"
    (folder / "data/deep").mkdir(parents=True)
    (folder / "runs/old").mkdir(parents=True)
    (folder / "best.pt").write_bytes(b"weights of an earlier run")
    (folder / "log.txt").write_text("first line\n")
    (folder / "data/a.txt").write_text("a")
    (folder / "data/deep/b.txt").write_text("b")
    (folder / "runs/old/metrics.csv").write_text("step,loss\n1,2\n")
    (folder / "latest").symlink_to("best.pt")
    (folder / "data-link").symlink_to("data")
    monkeypatch.chdir(folder)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    before = seen_from_outside(tmp_path)
    yield folder
    assert seen_from_outside(tmp_path) == before


@pytest.fixture
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture
def on(project, scratch):
    """The sandbox of the test, switched on."""
    with Sandbox(scratch, project) as sandbox:
        yield sandbox
