import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from mldoctor.errors import TargetError
from mldoctor.settings import Settings
from mldoctor.trainee import process
from mldoctor.trainee.process import Target, WorkerError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def examined(tmp_path, monkeypatch):
    """Examine a script given as text, and check that nothing of it is left behind."""
    project, temporary = tmp_path / "project", tmp_path / "temporary"
    project.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    scripts = []

    def run(text, *arguments, minutes=1.0, observe="run", on_progress=lambda _: None, **settings):
        script = project / "train.py"
        scripts.append(script)
        script.write_text(textwrap.dedent(text))
        return process.examine(
            Target("train.py", arguments=arguments),
            Settings(max_minutes=minutes, **settings),
            on_progress,
            observe=f"fake_observe:{observe}",
        )

    yield run
    assert list(temporary.iterdir()) == []
    if scripts:
        assert [path.name for path in project.iterdir()] == ["train.py"]


def test_a_script_that_reaches_its_end_has_no_outcome(examined):
    seen = []
    record = examined(
        """
        import fake_observe
        fake_observe.report(3)
        fake_observe.report(5)
        print("bye")
        """,
        on_progress=seen.append,
    )
    assert record.run.outcome == ""
    assert record.run.updates == 5
    assert record.run.output_tail == ()
    assert 0 < record.run.seconds < 60
    assert [(p.stage, p.updates, p.budget) for p in seen] == [
        ("natural steps", 3, 60.0),
        ("natural steps", 5, 60.0),
    ]


def test_the_worker_has_the_environment_that_was_promised(examined, monkeypatch):
    monkeypatch.setenv("KEPT", "as it is")
    record = examined(
        """
        import os, sys
        print(os.environ["PYTHONHASHSEED"], os.environ["KEPT"], os.environ["CUDA_VISIBLE_DEVICES"])
        print(sys.argv, sys.path[0] == os.getcwd(), os.getsid(0) == os.getpid())
        print(sys.executable)
        """,
        "--epochs",
        "1",
        device="cpu",
    )
    assert record.run.output_tail == (
        "0 as it is -1",
        "['train.py', '--epochs', '1'] True True",
        sys.executable,
    )


def test_an_exception_is_told_with_the_users_line(examined):
    record = examined(
        """
        import json

        def load():
            return json.loads("{")

        print("loading")
        load()
        """
    )
    assert record.run.outcome.startswith(
        "train.py:5 raised json.decoder.JSONDecodeError: Expecting"
    )
    assert record.run.output_tail[0] == "loading"
    assert record.run.output_tail[1:4] == (
        "Traceback (most recent call last):",
        f'  File "{Path("train.py").absolute()}", line 8, in <module>',
        "    load()",
    )


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ("sys.exit(3)", "train.py:2 called sys.exit(3)"),
        ("sys.exit('no data')", "train.py:2 called sys.exit('no data')"),
        ("sys.exit(0)", ""),
        ("sys.exit()", ""),
    ],
)
def test_sys_exit(examined, call, outcome):
    assert examined(f"import sys\n{call}\n").run.outcome == outcome


def test_os_exit(examined):
    record = examined("import os\nprint('leaving')\nos._exit(5)\n")
    assert "exit status 5" in record.run.outcome
    assert record.run.output_tail == ("leaving",)


def test_a_segmentation_fault_names_signal_and_line(examined):
    record = examined(
        """
        import ctypes

        def crash():
            ctypes.string_at(0)

        crash()
        """
    )
    assert record.run.outcome == (
        "the script crashed with a segmentation fault (SIGSEGV) at train.py:5 in crash"
    )


def test_sigkill_speaks_of_memory(examined):
    record = examined("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert "SIGKILL" in record.run.outcome
    assert "memory" in record.run.outcome


def test_another_signal_is_named(examined):
    record = examined("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    assert record.run.outcome == "the process was ended by SIGTERM"


def test_an_endless_loop_ends_at_the_limit_with_its_line(examined):
    record = examined(
        """
        def wait_for_data():
            while True:
                pass

        wait_for_data()
        """,
        minutes=2 / 60,
    )
    assert record.run.outcome.startswith("stopped after 0.0333333 min (--max-minutes) at train.py:")
    assert record.run.outcome.endswith(" in wait_for_data without an optimizer step")


def test_a_hang_in_native_code_that_ignores_sigterm(examined):
    started = time.monotonic()
    record = examined(
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
        """,
        minutes=2 / 60,
    )
    assert "at train.py:4 in <module>" in record.run.outcome
    assert time.monotonic() - started < 10


def test_its_own_signal_handlers_are_its_own_business(examined):
    record = examined(
        """
        import os, signal
        signal.signal(signal.SIGINT, lambda *_: print("caught"))
        signal.signal(signal.SIGUSR1, lambda *_: print("caught"))
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGUSR1)
        raise ValueError("after")
        """
    )
    assert record.run.output_tail[:2] == ("caught", "caught")
    assert record.run.outcome == "train.py:7 raised ValueError: after"


def test_a_hundred_megabytes_of_output_cost_little(examined):
    started = time.monotonic()
    record = examined(
        """
        import sys
        line = "x" * 9999 + "\\n"
        for _ in range(10_000):
            sys.stdout.write(line)
        print("last words")
        sys.exit(1)
        """
    )
    assert record.run.output_tail[-1] == "last words"
    assert len(record.run.output_tail) <= 20
    assert max(map(len, record.run.output_tail)) <= 500
    assert time.monotonic() - started < 15


def test_output_that_is_no_text_and_progress_bars(examined):
    record = examined(
        """
        import sys
        sys.stdout.buffer.write(b"\\xff\\xfe\\n")
        sys.stderr.write("\\r 10%\\r 20%\\r 30%\\n")
        sys.exit(1)
        """
    )
    assert record.run.output_tail == ("\ufffd\ufffd", " 30%")


def test_stream_passes_the_output_on(examined, capfd):
    examined("import sys\nprint('out')\nprint('err', file=sys.stderr)\n", stream=True)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == "out\nerr\n"


def test_a_forked_child_neither_reports_nor_runs_the_doctor(examined):
    seen = []
    record = examined(
        """
        import os, fake_observe
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            fake_observe.report(1)
        else:
            fake_observe.report(100)
            print("child ends")
        """,
        on_progress=seen.append,
    )
    assert [p.updates for p in seen] == [1]
    assert record.run.outcome == ""


def test_a_forked_child_that_raises(examined):
    record = examined(
        """
        import os, sys
        child = os.fork()
        if not child:
            raise KeyError("in the child")
        _, status = os.waitpid(child, 0)
        sys.exit(f"child: {os.waitstatus_to_exitcode(status)}")
        """
    )
    assert record.run.outcome == "train.py:7 called sys.exit('child: 1')"
    assert "KeyError: 'in the child'" in record.run.output_tail


def test_a_daemon_that_keeps_the_pipes_open_is_not_waited_for(examined, tmp_path):
    started = time.monotonic()
    record = examined(
        """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        print(child.pid)
        sys.exit(1)
        """
    )
    assert time.monotonic() - started < 10
    child = int(record.run.output_tail[0])
    status = Path(f"/proc/{child}/status")
    assert not status.exists() or "zombie" in status.read_text()


def test_a_changed_folder_changes_nothing_for_the_report(examined):
    record = examined("import os\nos.chdir('/')\nraise ValueError('elsewhere')\n")
    assert record.run.outcome == "train.py:3 raised ValueError: elsewhere"


def test_closed_standard_streams(examined):
    seen = []
    record = examined(
        """
        import os, fake_observe
        os.close(1)
        os.close(2)
        fake_observe.report(4)
        raise ValueError("unheard")
        """,
        on_progress=seen.append,
    )
    assert record.run.outcome == "train.py:6 raised ValueError: unheard"
    assert record.run.updates == 4


def test_all_descriptors_closed(examined):
    record = examined(
        """
        import os, fake_observe
        print("closing")
        os.closerange(3, 4096)
        files = [open("mine%d.txt" % i, "w") for i in range(20)]
        fake_observe.report(4)
        print("not reached")
        """
    )
    assert "closed the pipe" in record.run.outcome
    assert record.run.output_tail == ("closing",)


def test_input_ends_at_once(examined):
    record = examined("name = input('name? ')\n")
    assert record.run.outcome == "train.py:1 raised EOFError: EOF when reading a line"


def test_what_the_script_writes_is_gone(examined):
    record = examined(
        """
        import os, pathlib, tempfile
        pathlib.Path("runs/1").mkdir(parents=True)
        pathlib.Path("runs/1/best.pt").write_text("weights")
        os.chmod("runs", 0)
        tempfile.mkdtemp()
        print(os.listdir("."))
        raise SystemExit(1)
        """
    )
    assert record.run.output_tail == ("['train.py', 'runs']",)


def test_a_second_run_in_the_same_process(examined):
    record = examined(
        """
        import multiprocessing, sys
        multiprocessing.set_start_method("spawn")
        sys.stdout = sys.stderr
        print(len(sys.path), file=sys.__stdout__)
        sys.path.append("more")
        """,
        observe="run_twice",
    )
    assert record.run.outcome == ""


def test_a_module(examined, monkeypatch):
    package = Path("package")
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "train.py").write_text(
        "import sys\nprint(sys.argv[1:], __name__, __package__)\n1/0\n"
    )
    record = process.examine(
        Target("package.train", is_module=True, arguments=("--lr", "1")),
        Settings(),
        observe="fake_observe:run",
    )
    assert record.run.outcome == "package/train.py:3 raised ZeroDivisionError: division by zero"
    assert record.run.output_tail[0] == "['--lr', '1'] __main__ package"
    assert sorted(path.name for path in package.iterdir()) == ["__init__.py", "train.py"]


def test_a_module_that_is_not_there(examined):
    with pytest.raises(TargetError, match=r"no module 'nothing\.here' to run"):
        process.examine(
            Target("nothing.here", is_module=True), Settings(), observe="fake_observe:run"
        )


def test_mldoctors_own_failure_is_not_the_scripts(examined):
    with pytest.raises(WorkerError, match="ZeroDivisionError: mldoctor's own mistake"):
        examined("", observe="fail")


def test_a_refusal_keeps_its_sentence(examined):
    with pytest.raises(TargetError, match=r"^nothing to examine here$"):
        examined("", observe="refuse")


def test_a_malformed_message_does_not_lose_the_others(examined):
    record = examined("", observe="malformed")
    assert record.absent == {"Gradients": "no backward pass"}
    assert "run" in record.crashed


def test_a_worker_that_cannot_start(examined, monkeypatch):
    monkeypatch.setattr(process, "_BOOT", "raise ImportError('no such mldoctor')")
    with pytest.raises(WorkerError, match="no such mldoctor"):
        examined("")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_gives_the_partial_record(examined, number):
    threading.Timer(2.0, os.kill, (os.getpid(), number)).start()
    started = time.monotonic()
    record = examined(
        """
        import fake_observe, time
        fake_observe.report(7)
        time.sleep(1000)
        """
    )
    assert record.run.outcome == "interrupted"
    assert record.run.updates == 7
    assert time.monotonic() - started < 10
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends it on Linux only")
def test_the_worker_dies_with_its_parent(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(
        "import os, sys, time\nprint(os.getpid(), flush=True)\ntime.sleep(1000)\n"
    )
    code = (
        "from mldoctor.settings import Settings\n"
        "from mldoctor.trainee.process import Target, examine\n"
        "examine(Target('train.py'), Settings(stream=True), observe='fake_observe:run')\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{HERE}", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=project, env=environment, stderr=subprocess.PIPE
    ) as parent:
        worker = int(parent.stderr.readline())
        parent.kill()
    for _ in range(100):
        if (
            not Path(f"/proc/{worker}").exists()
            or "Z (" in Path(f"/proc/{worker}/status").read_text()
        ):
            return
        time.sleep(0.05)
    raise AssertionError("the worker outlived its parent")


def test_the_parent_side_imports_neither_torch_nor_numpy():
    code = "import sys, mldoctor.trainee.process; print({'torch', 'numpy'} & set(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout == "set()\n"


def test_a_syntax_error_that_only_the_compiler_finds(examined):
    record = examined("import os\nreturn\n")
    assert record.run.outcome == "train.py:2 raised SyntaxError: 'return' outside function"


@pytest.mark.parametrize(
    "goes_on",
    [
        "import time; time.sleep(60)",
        "raise KeyError('later')",
        "import os; os._exit(7)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    ],
    ids=["hangs", "raises", "leaves", "dies"],
)
def test_what_becomes_of_the_script_after_its_examination_is_no_outcome(examined, goes_on):
    record = examined(goes_on, observe="then_goes_on")
    assert record.run.outcome == ""
    assert record.run.updates == 12
    assert record.run.seconds < 30
