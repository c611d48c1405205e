"""`mldoctor data` on files of another machine: a server of this test."""

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from test_data_command import found, run, sentence

pytest.importorskip("daft", reason="files elsewhere are read by Daft")


class Ranges(SimpleHTTPRequestHandler):
    """Serves files whole or in parts: readers of parquet ask for the end of a file first."""

    def do_GET(self):
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        whole = path.read_bytes()
        first, last = wanted.groups()
        start = int(first) if first else len(whole) - int(last)
        stop = int(last) + 1 if first and last else len(whole)
        part = whole[start:stop]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(tmp_path):
    handler = partial(Ranges, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


WRITE = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("kind", WRITE)
def test_copies_are_found_in_files_of_another_machine(kind, elsewhere, tmp_path):
    draw = Random(3)  # noqa: S311 - data, no secret
    train = [(sentence(draw), draw.choice("ab")) for _ in range(300)]
    test = [(sentence(draw), draw.choice("ab")) for _ in range(80)]
    test[11] = train[70]
    for name, rows in (("train", train), ("test", test)):
        WRITE[kind](pd.DataFrame(rows, columns=["text", "label"]), tmp_path / f"{name}.{kind}")
    code, findings = found(f"{elsewhere}/train.{kind}", f"{elsewhere}/test.{kind}")
    assert code == 1
    assert [*findings] == ["split-overlap"]
    assert "70=11" in json.dumps(findings["split-overlap"]["evidence"])


def test_a_file_that_is_not_there_is_named(elsewhere):
    code, out, err = run(f"{elsewhere}/train.parquet")
    assert code == 2
    assert not out
    assert f"{elsewhere}/train.parquet" in err
    assert "not found" in err
    assert "Traceback" not in err
