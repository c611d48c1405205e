"""Files, folders, links and processes inside a sandbox over a small project."""
# The functions of `os` and `open` themselves are what is tested here:
# ruff: noqa: PTH100, PTH101, PTH102, PTH103, PTH104, PTH105, PTH106, PTH107, PTH109
# ruff: noqa: PTH110, PTH112, PTH114, PTH115, PTH116, PTH123, PTH202, PTH204, PTH207, PTH208
# ruff: noqa: PTH211, SIM115, UP020

import glob
import io
import mmap
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from mldoctor.trainee.overlay import real
from mldoctor.trainee.sandbox import Sandbox

# Plain files


WAYS_TO_WRITE = {
    "open": lambda path: open(path, "w").write("hello"),
    "io": lambda path: io.open(path, mode="w").write("hello"),
    "pathlib": lambda path: Path(path).write_text("hello"),
    "os": lambda path: os.write(os.open(path, os.O_WRONLY | os.O_CREAT), b"hello"),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE)
def test_a_new_file_is_there_for_the_script(on, way):
    WAYS_TO_WRITE[way]("new.txt")
    assert Path("new.txt").read_text() == "hello"
    assert os.path.exists("new.txt")
    assert Path("new.txt").is_file()
    assert os.path.getsize("new.txt") == 5
    assert "new.txt" in os.listdir()
    assert "new.txt" in [path.name for path in Path().iterdir()]
    assert os.access("new.txt", os.R_OK | os.W_OK)
    assert time.time() - os.path.getmtime(Path("new.txt").absolute()) < 60


def test_a_file_keeps_the_name_that_the_script_gave_it(on):
    with open("new.txt", "w") as file:
        assert file.name == "new.txt"
    with open("new.txt") as file:
        assert file.name == "new.txt"
    assert os.path.abspath("new.txt") == os.path.realpath("new.txt") == f"{os.getcwd()}/new.txt"


def test_overwriting_shows_the_new_content(on):
    Path("best.pt").write_bytes(b"new")
    assert Path("best.pt").read_bytes() == b"new"
    assert os.stat("best.pt").st_size == 3


def test_appending_and_updating_start_from_the_present_content(on):
    with open("log.txt", "a") as file:
        file.write("second line\n")
    assert Path("log.txt").read_text() == "first line\nsecond line\n"
    with open("best.pt", "r+b") as file:
        file.write(b"WEIGHTS")
    assert Path("best.pt").read_bytes() == b"WEIGHTS of an earlier run"
    with open("data/a.txt", "a+") as file:
        file.seek(0)
        assert file.read() == "a"


def test_exclusive_creation(on):
    with pytest.raises(FileExistsError):
        open("best.pt", "x")
    with open("new.txt", "x") as file:
        file.write("1")
    with pytest.raises(FileExistsError):
        open("new.txt", "x")
    os.remove("best.pt")
    with open("best.pt", "x") as file:
        file.write("2")
    assert Path("best.pt").read_text() == "2"


FAILURES = {
    "open('absent/new.txt', 'w')": (lambda: open("absent/new.txt", "w"), FileNotFoundError),
    "open('data', 'w')": (lambda: open("data", "w"), IsADirectoryError),
    "open('best.pt/new.txt', 'w')": (lambda: open("best.pt/new.txt", "w"), NotADirectoryError),
    "open('absent.txt', 'r+')": (lambda: open("absent.txt", "r+"), FileNotFoundError),
    "os.remove('absent.txt')": (lambda: os.remove("absent.txt"), FileNotFoundError),
    "os.remove('data')": (lambda: os.remove("data"), IsADirectoryError),
    "os.rmdir('data')": (lambda: os.rmdir("data"), OSError),
    "os.rmdir('best.pt')": (lambda: os.rmdir("best.pt"), NotADirectoryError),
    "os.mkdir('data')": (lambda: os.mkdir("data"), FileExistsError),
    "os.mkdir('absent/deep')": (lambda: os.mkdir("absent/deep"), FileNotFoundError),
    "os.makedirs('data')": (lambda: os.makedirs("data"), FileExistsError),
    "os.rename('absent', 'present')": (lambda: os.rename("absent", "present"), FileNotFoundError),
    "os.rename('best.pt', 'data')": (lambda: os.rename("best.pt", "data"), IsADirectoryError),
    "os.rename('data', 'best.pt')": (lambda: os.rename("data", "best.pt"), NotADirectoryError),
    "os.rename('data', 'runs')": (lambda: os.rename("data", "runs"), OSError),
    "os.rename('data', 'data/deep/inside')": (
        lambda: os.rename("data", "data/deep/inside"),
        OSError,
    ),
    "os.listdir('best.pt')": (lambda: os.listdir("best.pt"), NotADirectoryError),
    "os.symlink('x', 'best.pt')": (lambda: os.symlink("x", "best.pt"), FileExistsError),
    "os.truncate('absent.txt', 0)": (lambda: os.truncate("absent.txt", 0), FileNotFoundError),
    "os.stat('')": (lambda: os.stat(""), FileNotFoundError),
    "open null": (lambda: open("nul\0l", "w"), ValueError),
    "os.stat(None)": (lambda: os.stat(None), TypeError),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("something_written", [False, True])
def test_what_fails_without_a_sandbox_fails_with_one(on, failure, something_written):
    call, kind = FAILURES[failure]
    if something_written:
        Path("new.txt").write_text("1")
        os.remove("log.txt")
    with pytest.raises(kind):
        call()


def test_low_level_descriptors(on):
    fd = os.open("raw.bin", os.O_CREAT | os.O_RDWR, 0o600)
    os.write(fd, b"abcdef")
    os.ftruncate(fd, 3)
    os.close(fd)
    assert stat.S_IMODE(os.stat("raw.bin").st_mode) == 0o600
    assert Path("raw.bin").read_bytes() == b"abc"
    os.truncate("best.pt", 4)
    assert os.path.getsize("best.pt") == 4
    with io.FileIO("raw.bin", "w") as file:
        assert isinstance(file, io.FileIO)
        file.write(b"z")
    assert Path("raw.bin").read_bytes() == b"z"
    with open("raw.bin", "rb", buffering=0) as file:
        assert isinstance(file, io.FileIO)


def test_mapped_files(on):
    with open("best.pt", "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:3] = b"MAP"
    assert Path("best.pt").read_bytes().startswith(b"MAP")


def test_paths_as_bytes(on):
    with open(b"new.txt", "wb") as file:
        file.write(b"1")
    assert b"new.txt" in os.listdir(b".")
    assert os.path.exists(os.fsencode(f"{os.getcwd()}/new.txt"))
    assert b"new.txt" in [entry.name for entry in os.scandir(b".")]


def test_devices_and_pipes_are_themselves(on):
    with open(os.devnull, "w") as file:
        file.write("gone")
    assert Path("/proc/self/status").exists()
    read, write = os.pipe()
    with open(write, "w") as file:
        file.write("through")
    assert os.read(read, 100) == b"through"
    os.close(read)
    os.mkfifo("fifo")
    assert stat.S_ISFIFO(os.stat("fifo").st_mode)


# Deleting, moving, folders


def test_deleted_files_are_absent(on):
    os.remove("best.pt")
    assert not os.path.exists("best.pt")
    assert not Path("best.pt").is_file()
    assert not os.access("best.pt", os.R_OK)
    assert not os.path.exists("latest")
    assert os.path.islink("latest")
    assert "best.pt" not in os.listdir(".")
    with pytest.raises(FileNotFoundError) as caught:
        open("best.pt")
    assert caught.value.filename == "best.pt"
    Path("log.txt").unlink()
    assert sorted(os.listdir()) == ["data", "data-link", "latest", "runs"]
    Path("best.pt").touch()
    assert Path("best.pt").read_bytes() == b""


def test_checkpoints_that_rotate(on):
    for step in range(5):
        os.makedirs(f"runs/checkpoint-{step}")
        Path(f"runs/checkpoint-{step}/model.bin").write_bytes(bytes(step))
        for old in sorted(Path("runs").glob("checkpoint-*"))[:-2]:
            shutil.rmtree(old)
    assert sorted(glob.glob("runs/*/model.bin")) == [
        "runs/checkpoint-3/model.bin",
        "runs/checkpoint-4/model.bin",
    ]
    assert sorted(os.listdir("runs")) == ["checkpoint-3", "checkpoint-4", "old"]


def test_a_real_folder_is_deleted_and_made_again(on):
    shutil.rmtree("runs")
    assert not os.path.isdir("runs")
    with pytest.raises(FileNotFoundError):
        os.listdir("runs")
    os.makedirs("runs/new")
    assert os.listdir("runs") == ["new"]
    assert not os.path.exists("runs/old/metrics.csv")
    Path("runs/old").mkdir()
    assert os.listdir("runs/old") == []


def test_renaming_files(on):
    Path("tmp.pt").write_text("new")
    os.replace("tmp.pt", "best.pt")
    assert Path("best.pt").read_text() == "new"
    assert not os.path.exists("tmp.pt")
    Path("best.pt").rename("data/moved.pt")
    assert not os.path.exists("best.pt")
    assert Path("data/moved.pt").read_text() == "new"
    os.rename("log.txt", "log.old")
    assert Path("log.old").read_text() == "first line\n"
    assert not os.path.exists("log.txt")


def test_renaming_folders(on):
    Path("runs/old/extra.txt").write_text("extra")
    os.rename("runs", "archive")
    assert not os.path.exists("runs")
    assert sorted(os.listdir("archive/old")) == ["extra.txt", "metrics.csv"]
    assert Path("archive/old/metrics.csv").read_text() == "step,loss\n1,2\n"
    os.makedirs("runs/new")
    shutil.move("archive/old", "runs/new")
    assert sorted(os.listdir("runs/new/old")) == ["extra.txt", "metrics.csv"]
    assert os.listdir("archive") == []
    shutil.move("data", "archive")
    assert Path("archive/data/deep/b.txt").read_text() == "b"


def test_copying(on):
    shutil.copy("best.pt", "data/best.pt")
    shutil.copy2("best.pt", "copy2.pt")
    shutil.copyfile("data/a.txt", "log.txt")
    shutil.copytree("data", "copied", symlinks=True)
    assert Path("copied/best.pt").read_bytes() == b"weights of an earlier run"
    assert os.path.getmtime("copy2.pt") == pytest.approx(os.path.getmtime("best.pt"))
    assert Path("log.txt").read_text() == "a"
    assert sorted(str(p) for p in Path("copied").rglob("*.txt")) == [
        "copied/a.txt",
        "copied/deep/b.txt",
    ]
    shutil.copytree("copied", "data", dirs_exist_ok=True)
    archive = shutil.make_archive("packed", "zip", "copied")
    assert len(zipfile.ZipFile(archive).namelist()) >= 3
    shutil.unpack_archive(archive, "unpacked")
    assert Path("unpacked/deep/b.txt").read_text() == "b"


def test_walking_sees_the_union(on):
    Path("data/new.txt").write_text("1")
    os.makedirs("data/more/deep")
    Path("data/more/deep/c.txt").write_text("c")
    os.remove("data/a.txt")
    walked = {root: (sorted(dirs), sorted(files)) for root, dirs, files in os.walk("data")}
    assert walked == {
        "data": (["deep", "more"], ["new.txt"]),
        "data/deep": ([], ["b.txt"]),
        "data/more": (["deep"], []),
        "data/more/deep": ([], ["c.txt"]),
    }
    with os.scandir("data") as entries:
        kinds = {
            e.path: (e.is_dir(), e.is_file(), e.is_symlink(), e.stat().st_size > 0) for e in entries
        }
    assert kinds["data/new.txt"] == (False, True, False, True)
    assert kinds["data/more"][0]
    assert sorted(glob.glob("**/*.txt", recursive=True)) == [
        "data-link/deep/b.txt",
        "data-link/more/deep/c.txt",
        "data-link/new.txt",
        "data/deep/b.txt",
        "data/more/deep/c.txt",
        "data/new.txt",
        "log.txt",
    ]
    assert {root for root, *_ in os.fwalk("data")} == set(walked)
    fd = os.open("data", os.O_RDONLY)
    assert sorted(os.listdir(fd)) == ["deep", "more", "new.txt"]
    assert os.stat("deep/b.txt", dir_fd=fd).st_size == 1
    with pytest.raises(FileNotFoundError):
        os.stat("a.txt", dir_fd=fd)
    os.remove("new.txt", dir_fd=fd)
    os.close(fd)
    assert not os.path.exists("data/new.txt")


def test_links(on):
    Path("latest").unlink()
    Path("checkpoint.pt").write_text("new")
    os.symlink("checkpoint.pt", "latest")
    assert os.readlink("latest") == "checkpoint.pt"
    assert Path("latest").read_text() == "new"
    assert Path("latest").resolve() == Path("checkpoint.pt").absolute()
    assert Path("latest").is_symlink()
    with open("latest", "a") as file:
        file.write("er")
    assert Path("checkpoint.pt").read_text() == "newer"
    os.symlink(Path("data").absolute(), "folder")
    Path("folder/through.txt").write_text("1")
    assert (
        sorted(os.listdir("data"))
        == sorted(os.listdir("folder"))
        == ["a.txt", "deep", "through.txt"]
    )
    os.link("best.pt", "hard.pt")
    with open("hard.pt", "ab") as file:
        file.write(b"!")
    assert Path("best.pt").read_bytes() == b"weights of an earlier run!"
    os.symlink("loop", "loop")
    with pytest.raises(OSError, match="symbolic links"):
        open("loop")


def test_writing_through_real_links(on):
    Path("latest").write_text("through the link")
    assert Path("best.pt").read_text() == "through the link"
    assert Path("latest").read_text() == "through the link"
    Path("data-link/a.txt").write_text("A")
    assert Path("data/a.txt").read_text() == "A"
    Path("data/deep/b.txt").write_text("B")
    assert Path("data-link/deep/b.txt").read_text() == "B"
    assert Path("data-link/../data/deep/b.txt").read_text() == "B"


def test_modes_and_times(on):
    os.chmod("best.pt", 0o600)
    assert stat.S_IMODE(os.stat("best.pt").st_mode) == 0o600
    os.utime("log.txt", (1, 2))
    assert os.path.getmtime("log.txt") == 2
    Path("data/a.txt").touch()
    assert time.time() - os.path.getmtime("data/a.txt") < 60
    with open("data/deep/b.txt") as file:
        os.fchmod(file.fileno(), 0o777)
        os.utime(file.fileno(), (1, 2))
    os.chmod("data", 0o700)
    if hasattr(os, "setxattr"):
        with suppress(OSError):  # not every file system has extended attributes
            os.setxattr("data/deep/b.txt", "user.seen", b"1")
            assert os.listxattr("data/deep/b.txt") == ["user.seen"]


def test_a_current_folder_that_exists_for_the_script_only(on):
    top = os.getcwd()
    os.makedirs("outputs/today")
    os.chdir("outputs/today")
    assert os.getcwd() == f"{top}/outputs/today"
    assert Path.cwd() == Path(top, "outputs/today")
    Path("result.txt").write_text("1")
    assert os.listdir() == ["result.txt"]
    assert Path("../../best.pt").read_bytes() == b"weights of an earlier run"
    assert os.path.abspath("result.txt") == f"{top}/outputs/today/result.txt"
    os.chdir("../..")
    assert os.getcwd() == top
    assert Path("outputs/today/result.txt").read_text() == "1"
    os.chdir("data")
    assert sorted(os.listdir()) == ["a.txt", "deep"]
    os.chdir(top)


def test_writes_outside_the_project_too(on, tmp_path):
    (tmp_path / "elsewhere/kept.txt").write_text("changed")
    (tmp_path / "elsewhere/new.txt").write_text("new")
    assert (tmp_path / "elsewhere/kept.txt").read_text() == "changed"
    shutil.rmtree(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_what_may_not_be_written_may_not_be_written(on, monkeypatch):
    # For root, which runs tests in containers, nothing is read-only: ask as somebody else.
    monkeypatch.setattr(real, "access", lambda *_args, **_options: False)
    for change in (
        lambda: open("best.pt", "a"),
        lambda: open("new.txt", "w"),
        lambda: os.mkdir("new"),
        lambda: os.remove("best.pt"),
        lambda: os.rename("best.pt", "data/best.pt"),
    ):
        with pytest.raises(PermissionError):
            change()


def test_temporary_files_are_in_the_scratch_folder(on, scratch):
    scratch = str(scratch)
    assert tempfile.gettempdir().startswith(scratch)
    with tempfile.NamedTemporaryFile() as file:
        assert file.name.startswith(scratch)
        file.write(b"1")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x").write_text("1")
        shutil.move(f"{folder}/x", "from-temporary.txt")
    assert not os.path.exists(folder)
    assert Path("from-temporary.txt").read_text() == "1"
    assert os.environ["TMPDIR"].startswith(scratch)
    with tempfile.TemporaryFile(dir=".") as file:
        file.write(b"1")


def test_a_scratch_folder_inside_the_project_is_not_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scratch").mkdir()
    with Sandbox(tmp_path / "scratch", tmp_path) as sandbox:
        for _ in range(2):
            Path("new.txt").write_text("1")
            with tempfile.NamedTemporaryFile() as file:
                assert os.path.exists(file.name)
            assert os.listdir() == ["new.txt"]
            sandbox.forget()
        assert os.listdir() == []
    assert os.listdir() == ["scratch"]


def test_forgetting_shows_the_project_as_it_was(on):
    Path("new.txt").write_text("1")
    Path("best.pt").unlink()
    shutil.rmtree("runs")
    on.forget()
    assert sorted(os.listdir()) == ["best.pt", "data", "data-link", "latest", "log.txt", "runs"]
    assert Path("best.pt").read_bytes() == b"weights of an earlier run"
    Path("new.txt").write_text("2")
    assert Path("new.txt").read_text() == "2"


# Processes


def test_forked_processes_share_what_they_write(on):
    def work(number):
        Path(f"data/part-{number}.txt").write_text(str(number))
        os.makedirs("cache", exist_ok=True)

    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert Path("data/part-7.txt").read_text() == "7"
    assert len(list(Path("data").glob("part-*.txt"))) == 8
    assert os.path.isdir("cache")


def test_functions_can_be_sent_to_a_pool(on):
    Path("new.txt").write_text("123")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(os.path.getsize, ["new.txt", "data/a.txt"]) == [3, 1]
        pool.map(os.remove, ["new.txt", "data/a.txt"])
    assert not os.path.exists("new.txt")
    assert not os.path.exists("data/a.txt")


def test_one_of_several_processes_gets_a_lock_file(on):
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def work():
        try:
            os.close(os.open("lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            results.put(1)
        except FileExistsError:
            results.put(0)

    workers = [context.Process(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    assert sum(results.get() for _ in workers) == 1
    for worker in workers:
        worker.join()


def test_all_descriptors_closed(on):
    """What a script opens afterwards must not be taken for a file of the sandbox."""
    code = os.fork()
    if not code:
        os.closerange(3, 1000)
        try:
            names = [f"file-{n}.txt" for n in range(20)]
            files = [open(name, "w") for name in names]
            for file in files:
                file.write(file.name)
                file.close()
            assert all(Path(name).read_text() == name for name in names)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(code, 0)[1] == 0
    assert Path("file-19.txt").read_text() == "file-19.txt"


# On and off


def test_trackers_stay_silent_and_stricter_choices_stay(project, scratch, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "YES")
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://example.org")
    before = dict(os.environ)
    with Sandbox(scratch, project):
        assert os.environ["WANDB_MODE"] == "disabled"
        assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "YES"
        assert os.environ["DO_NOT_TRACK"] == "1"
        assert os.environ["MLFLOW_TRACKING_URI"].startswith("file://")
    assert dict(os.environ) == before


def state_of_the_interpreter():
    modules = {
        name: {key: id(value) for key, value in vars(module).items()}
        for name, module in sys.modules.items()
        if type(module) is type(sys) and not name.startswith(("_pytest", "test_", "tests"))
    }
    classes = {}
    for path in (
        "torch._C.PyTorchFileReader",
        "torch._C.PyTorchFileWriter",
        "torch.storage.UntypedStorage",
        "torch.jit._script.RecursiveScriptModule",
        "tokenizers.Tokenizer",
        "tokenizers.models.Model",
        "tokenizers.models.BPE",
        "pyarrow.parquet.core.ParquetWriter",
        "huggingface_hub.hf_api.HfApi",
    ):
        module, _, name = path.rpartition(".")
        if module in sys.modules:
            classes[path] = dict(vars(getattr(sys.modules[module], name)))
    return modules, classes, list(sys.meta_path), dict(os.environ), os.getcwd()


def test_everything_is_restored_exactly(project, scratch):
    for name in ("torch", "transformers", "tokenizers", "pyarrow.parquet", "sqlite3", "pandas"):
        pytest.importorskip(name)
    with Sandbox(scratch, project):  # lets libraries finish their lazy imports
        pass
    before = state_of_the_interpreter()
    with Sandbox(scratch, project):
        Path("new.txt").write_text("1")
        os.makedirs("deep/er")
        os.chdir("deep")
        kept = (open, os.stat, os.listdir, os.remove, io.FileIO)
    after = state_of_the_interpreter()
    for name, names in before[0].items():
        assert after[0][name] == names, name
    assert after[1:] == before[1:]
    for function in kept[1:3]:
        function(".")  # whoever still holds one of them gets the real function
    with kept[0]("best.pt", "rb") as file:
        assert file.read() == b"weights of an earlier run"


def test_mldoctor_has_the_real_functions(on):
    Path("best.pt").write_text("new")
    with real.open_file("best.pt", "rb") as file:
        assert file.read() == b"weights of an earlier run"
    assert real.stat("best.pt").st_size == 25


def test_programs_that_the_script_starts_run_where_it_is(on):
    out = subprocess.run(["/bin/pwd"], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == os.getcwd()
