import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mldoctor.errors import TargetError
from mldoctor.trainee.program import came_from_script, describe, run_module, run_script


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


PRINT_SETTING = """
import os, sys
main = sys.modules["__main__"]
print(__name__, __file__, __package__, __spec__ and __spec__.name)
print(sys.argv)
print(sys.path[0])
print(main.__dict__ is globals(), __doc__, sorted(n for n in globals() if n.startswith("__")))
print(__builtins__ is __import__("builtins"))
"""


def natural(*command):
    command = [sys.executable, *command]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_script_finds_what_python_gives_it(project, capsys):
    write(project / "folder/train.py", PRINT_SETTING)
    (project / "link.py").symlink_to("folder/train.py")
    for path in ("folder/train.py", "link.py"):
        expected = natural(path, "--lr", "0.1")
        run_script(path, ["--lr", "0.1"])
        assert capsys.readouterr().out == expected


def test_a_module_finds_what_python_gives_it(project, capsys):
    write(project / "package/__init__.py", "")
    write(project / "package/train.py", PRINT_SETTING)
    write(project / "package/__main__.py", PRINT_SETTING)
    for name in ("package.train", "package"):
        expected = natural("-B", "-m", name, "--lr", "0.1")
        run_module(name, ["--lr", "0.1"])
        assert capsys.readouterr().out == expected
        sys.modules.pop("package", None)


def test_the_interpreter_is_as_before(project):
    write(
        project / "train.py",
        """
        import multiprocessing, os, signal, sys
        sys.argv.append("more")
        sys.path.append("/nowhere")
        sys.stdout = sys.stderr = None
        sys.excepthook = print
        os.makedirs("elsewhere")
        os.chdir("elsewhere")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.alarm(100)
        multiprocessing.set_start_method("spawn", force=True)
        """,
    )

    def state():
        names = ("argv", "path", "stdin", "stdout", "stderr", "excepthook")
        return (
            [getattr(sys, name) for name in names],
            list(sys.path),
            sys.modules["__main__"],
            Path.cwd(),
            [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGALRM)],
        )

    before = state()
    run_script("train.py")
    assert state() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    (project / "elsewhere").rmdir()
    run_script("train.py")


def test_what_it_raises_comes_out_and_the_interpreter_is_as_before(project):
    write(project / "train.py", "import sys\nsys.exit(4)\n")
    before = list(sys.path), list(sys.argv), sys.modules["__main__"]
    with pytest.raises(SystemExit) as caught:
        run_script("train.py")
    assert caught.value.code == 4
    assert (list(sys.path), list(sys.argv), sys.modules["__main__"]) == before


def test_classes_of_main_can_be_pickled_while_it_runs(project):
    write(
        project / "train.py",
        """
        import pickle
        class Sample: pass
        assert type(pickle.loads(pickle.dumps(Sample()))) is Sample
        """,
    )
    run_script("train.py")


def test_source_in_another_encoding(project, capsys):
    (project / "train.py").write_bytes("# -*- coding: latin-1 -*-\nprint('é')\n".encode("latin-1"))
    run_script("train.py")
    assert capsys.readouterr().out == "é\n"


def test_source_with_a_byte_order_mark_and_windows_lines(project, capsys):
    (project / "train.py").write_bytes(b"\xef\xbb\xbfx = '''a\r\nb'''\r\nprint(repr(x))\r\n")
    run_script("train.py")
    assert capsys.readouterr().out == "'a\\nb'\n"


def test_a_second_run_imports_the_project_anew_and_nothing_else(project, capsys, monkeypatch):
    write(project / "counted.py", "print('counted is imported')\n")
    write(project / "parts/deep.py", "print('deep is imported')\n")
    write(project / "src/beside.py", "print('beside is imported')\n")
    write(project / "venv/site-packages/library.py", "print('library is imported')\n")
    write(project / "vendored/inplace.py", "print('inplace is imported')\n")
    monkeypatch.syspath_prepend(project / "vendored")  # as an editable installation does
    write(
        project / "train.py",
        """
        import sys
        sys.path += ["src", "venv/site-packages"]
        sys.path[-2:] = [__file__.replace("train.py", p) for p in sys.path[-2:]]
        import counted, parts.deep, beside, library, inplace, wave
        """,
    )
    run_script("train.py")
    first = capsys.readouterr().out.splitlines()
    wave = sys.modules["wave"]
    run_script("train.py")
    second = capsys.readouterr().out.splitlines()
    names = ["counted", "deep", "beside", "library", "inplace"]
    assert first == [f"{name} is imported" for name in names]
    assert second == [f"{name} is imported" for name in names[:3]]
    assert sys.modules["wave"] is wave


def test_a_missing_module_is_refused(project):
    write(project / "package/__init__.py", "")
    for name in ("absent", "package.absent", "package"):
        with pytest.raises(TargetError, match=f"no module '{name}' to run"):
            run_module(name)


def test_a_module_whose_package_fails_is_not_called_missing(project):
    write(project / "failing/__init__.py", "import not_installed_anywhere\n")
    write(project / "failing/train.py", "")
    with pytest.raises(ModuleNotFoundError) as caught:
        run_module("failing.train")
    assert came_from_script(caught.value)
    assert "failing/__init__.py:1 raised ModuleNotFoundError" in describe(caught.value)


def test_describe_names_the_innermost_line_of_the_user(project):
    write(project / "helper.py", "import json\ndef load():\n    json.loads('')\n")
    script = write(project / "train.py", "import helper\nhelper.load()\n")
    with pytest.raises(ValueError, match="Expecting") as caught:
        run_script(str(script))
    text = describe(caught.value)
    assert text.startswith(f"{project}/helper.py:3 raised json.decoder.JSONDecodeError: Expecting")
    assert came_from_script(caught.value)
    assert not came_from_script(ValueError("ours"))


def test_describe_of_a_long_message_is_one_line():
    assert describe(ValueError("first\nsecond")) == "the script raised ValueError: first"


def test_a_fork_never_comes_back(project, capfd):
    write(
        project / "train.py",
        """
        import os
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        print("parent" if child else "child", flush=True)
        """,
    )
    run_script("train.py")
    os.write(1, b"back\n")
    assert capfd.readouterr().out == "child\nparent\nback\n"
