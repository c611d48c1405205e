"""What libraries write inside a sandbox over a small project."""
# The functions of `os` and `open` themselves are what is tested here:
# ruff: noqa: PTH107, PTH109, PTH110, PTH123, PTH202, PTH208

import csv
import json
import logging
import os
import pickle
import sqlite3
import sys
from pathlib import Path

import pytest

from mldoctor.settings import Settings
from mldoctor.trainee import process
from mldoctor.trainee.process import Target

HERE = Path(__file__).parent


def test_standard_library(on):
    Path("config.json").write_text(json.dumps({"a": 1}))
    with open("state.pkl", "wb") as file:
        pickle.dump([1], file)
    with open("rows.csv", "w", newline="") as file:
        csv.writer(file).writerow([1, 2])
    assert json.loads(Path("config.json").read_text()) == {"a": 1}
    with open("state.pkl", "rb") as file:
        assert pickle.load(file) == [1]  # noqa: S301
    with open("rows.csv", newline="") as file:
        assert next(csv.reader(file)) == ["1", "2"]
    handler = logging.FileHandler("log.txt")
    handler.emit(logging.LogRecord("n", 20, "p", 1, "logged", None, None))
    handler.close()
    assert Path("log.txt").read_text() == "first line\nlogged\n"
    for name in ("gzip", "bz2", "lzma"):
        library = __import__(name)
        with library.open(f"packed.{name}", "wt") as file:
            file.write("text")
        with library.open(f"packed.{name}", "rt") as file:
            assert file.read() == "text"


def test_sqlite(on):
    with sqlite3.connect("study.db") as connection:
        connection.execute("create table trials (id integer)")
        connection.execute("insert into trials values (1)")
    connection.close()
    assert os.path.exists("study.db")
    with sqlite3.connect("file:study.db?mode=ro", uri=True) as connection:
        assert connection.execute("select id from trials").fetchall() == [(1,)]
    connection.close()
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (id integer)")
    connection.close()


def test_generated_modules_can_be_imported(on, monkeypatch):
    monkeypatch.syspath_prepend(os.getcwd())
    Path("generated_by_test.py").write_text("VALUE = 3\n")
    import generated_by_test

    assert generated_by_test.VALUE == 3
    assert not os.path.exists("__pycache__")
    del sys.modules["generated_by_test"]


def test_numpy(on):
    np = pytest.importorskip("numpy")
    array = np.arange(6.0)
    np.save("a.npy", array)
    np.savez("a.npz", x=array)
    np.savetxt("a.txt", array)
    array.tofile("a.bin")
    assert (np.load("a.npy") == array).all()
    assert (np.load("a.npy", mmap_mode="r+") == array).all()
    with np.load("a.npz") as held:
        assert (held["x"] == array).all()
    assert (np.loadtxt("a.txt") == array).all()
    assert (np.fromfile("a.bin") == array).all()
    mapped = np.memmap("mapped.bin", dtype="float32", mode="w+", shape=(4,))
    mapped[:] = 1
    mapped.flush()
    assert np.memmap("mapped.bin", dtype="float32", mode="r").sum() == 4
    mapped = np.memmap("best.pt", dtype="uint8", mode="r+")
    mapped[0] = 0
    mapped.flush()
    assert Path("best.pt").read_bytes()[0] == 0


def test_pandas_and_arrow(on):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_csv("frame.csv", index=False)
    frame.to_pickle("frame.pkl")
    frame.to_json("frame.json")
    assert pd.read_csv("frame.csv").equals(pd.read_csv("frame.csv"))
    assert pd.read_pickle("frame.pkl").equals(frame)
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    frame.to_parquet("frame.parquet")
    frame.to_feather("frame.feather")
    assert pd.read_parquet("frame.parquet").a.tolist() == [1, 2]
    assert pd.read_feather("frame.feather").a.tolist() == [1, 2]
    table = arrow.table({"a": [1, 2, 3]})
    parquet.write_table(table, "table.parquet")
    assert parquet.read_table("table.parquet").num_rows == 3
    assert parquet.ParquetFile("table.parquet").metadata.num_rows == 3
    with parquet.ParquetWriter(Path("rows.parquet"), table.schema) as writer:
        writer.write_table(table)
    assert parquet.read_table(Path("rows.parquet")).num_rows == 3
    with arrow.OSFile("raw.arrow", "wb") as sink, arrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with arrow.memory_map("raw.arrow") as source:
        assert arrow.ipc.open_file(source).read_all().num_rows == 3
    assert os.path.getsize("raw.arrow") > 0
    from pyarrow import csv as arrow_csv

    arrow_csv.write_csv(table, "arrow.csv")
    assert arrow_csv.read_csv("arrow.csv").num_rows == 3


def test_joblib(on, monkeypatch):
    # It keeps `open` in its classes when it is imported: in the worker that is inside the sandbox,
    # while here another test may have imported it before.
    for name in [n for n in sys.modules if n.partition(".")[0] == "joblib"]:
        monkeypatch.delitem(sys.modules, name)
    joblib = pytest.importorskip("joblib")
    np = pytest.importorskip("numpy")
    joblib.dump({"a": np.ones(3)}, "model.joblib")
    assert joblib.load("model.joblib")["a"].sum() == 3
    assert joblib.load("model.joblib", mmap_mode="r")["a"].sum() == 3
    memory = joblib.Memory("cache", verbose=0)
    assert memory.cache(len)("abc") == 3


def test_matplotlib(on):
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot as plt

    plt.plot([1, 2])
    plt.savefig("plot.png")
    plt.savefig("plot.pdf")
    assert Path("plot.png").read_bytes().startswith(b"\x89PNG")


def test_h5py(on):
    h5py = pytest.importorskip("h5py")
    for mode in ("w", "a"):
        with h5py.File("data.h5", mode) as file:
            file[f"x-{mode}"] = [1, 2]
    with h5py.File("fresh.h5", "a") as file:
        file["x"] = [1]
    with pytest.raises(FileExistsError):
        h5py.File("data.h5", "x")
    with h5py.File("data.h5") as file:
        assert sorted(file) == ["x-a", "x-w"]


def test_opencv(on):
    cv2 = pytest.importorskip("cv2")
    np = pytest.importorskip("numpy")
    cv2.imwrite("image.png", np.full((4, 4, 3), 7, dtype=np.uint8))
    assert cv2.imread("image.png").max() == 7
    assert os.path.exists("image.png")


def test_pillow(on):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (4, 4)).save("image.png")
    with image.open("image.png") as opened:
        assert opened.size == (4, 4)


def test_torch(on):
    torch = pytest.importorskip("torch")
    state = {"w": torch.arange(4.0)}
    torch.save(state, "best.pt")
    torch.save(state, Path("data/new.pt"))
    torch.save(state, "legacy.pt", _use_new_zipfile_serialization=False)
    for path in ("best.pt", "latest", "data/new.pt", Path("data-link/new.pt"), "legacy.pt"):
        assert torch.load(path)["w"].tolist() == [0, 1, 2, 3]
    assert torch.load("best.pt", mmap=True)["w"].sum() == 6
    assert os.path.exists("data/new.pt")
    script = torch.jit.script(torch.nn.Linear(2, 1))
    torch.jit.save(script, "script.pt")
    script.save("method.pt")
    assert torch.jit.load("script.pt").weight.shape == (1, 2)
    assert os.path.exists("method.pt")
    mapped = torch.from_file("mapped.bin", shared=True, size=4, dtype=torch.float32)
    mapped.fill_(1)
    assert os.path.getsize("mapped.bin") == 16
    os.remove("best.pt")
    with pytest.raises(FileNotFoundError):
        torch.load("best.pt")


def test_torch_distributed_checkpoint(on):
    torch = pytest.importorskip("torch")
    from torch.distributed import checkpoint

    state = {"w": torch.ones(3)}
    checkpoint.save(state, checkpoint_id="sharded", no_dist=True)
    state["w"].zero_()
    checkpoint.load(state, checkpoint_id="sharded", no_dist=True)
    assert state["w"].sum() == 3


def test_safetensors(on):
    pytest.importorskip("torch")
    safe = pytest.importorskip("safetensors.torch")
    torch = sys.modules["torch"]
    from safetensors import safe_open

    safe.save_file({"w": torch.ones(2)}, "model.safetensors", metadata={"format": "pt"})
    assert safe.load_file("model.safetensors")["w"].sum() == 2
    with safe_open("model.safetensors", framework="pt") as file:
        assert list(file.keys()) == ["w"]
    assert os.path.getsize("model.safetensors") > 0
    with pytest.raises(FileNotFoundError):
        safe.load_file("absent.safetensors")


def test_tensorboard(on):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter("runs/board") as writer:
        writer.add_scalar("loss", 1.0, 1)
    with SummaryWriter() as writer:
        writer.add_text("note", "x")
    (event,) = os.listdir("runs/board")
    assert os.path.getsize(f"runs/board/{event}") > 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert EventAccumulator("runs/board").Reload().Tags()["scalars"] == ["loss"]


def test_tokenizers(on):
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    Path("corpus.txt").write_text("one two three\n" * 20)
    tokenizer.train(["corpus.txt"], tokenizers.trainers.BpeTrainer(special_tokens=["[UNK]"]))
    tokenizer.save("tokenizer.json")
    assert tokenizers.Tokenizer.from_file("tokenizer.json").get_vocab_size() > 5
    files = tokenizer.model.save("data", "mine")
    assert files == ["data/mine-vocab.json", "data/mine-merges.txt"]
    for model in (tokenizers.models.BPE.from_file(*files), tokenizers.models.BPE(*files)):
        assert isinstance(model, tokenizers.models.BPE)
        assert tokenizers.Tokenizer(model).get_vocab_size() == tokenizer.get_vocab_size()


def test_datasets(on, monkeypatch):
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"a": [1, 2, 3]})
    data.save_to_disk("saved")
    loaded = datasets.load_from_disk("saved").map(lambda row: {"b": row["a"] + 1})
    assert loaded["b"][:] == [2, 3, 4]
    assert any(name.startswith("cache-") for name in os.listdir("saved"))


def tiny_bert():
    import transformers

    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    return transformers.BertForSequenceClassification(config)


def test_transformers(on):
    transformers = pytest.importorskip("transformers")
    import torch

    model = tiny_bert()
    model.save_pretrained("model")
    again = transformers.AutoModelForSequenceClassification.from_pretrained("model")
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    model.save_pretrained("sharded", max_shard_size="1KB")
    transformers.AutoModel.from_pretrained("sharded")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    Path("vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = transformers.BertTokenizerFast("vocab.txt")
    tokenizer.save_pretrained("tokenizer")
    again = transformers.AutoTokenizer.from_pretrained("tokenizer")
    assert again("a b")["input_ids"] == tokenizer("a b")["input_ids"]


def test_the_transformers_trainer(on):
    transformers = pytest.importorskip("transformers")
    import torch

    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor(n % 2)} for n in range(8)]
    arguments = transformers.TrainingArguments(
        output_dir="runs/hf",
        max_steps=6,
        per_device_train_batch_size=2,
        save_steps=2,
        eval_strategy="steps",
        eval_steps=2,
        save_total_limit=1,
        load_best_model_at_end=True,
        report_to=["tensorboard"],
        use_cpu=True,
        push_to_hub=True,
        hub_model_id="somebody/something",
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(
        model=tiny_bert(), args=arguments, train_dataset=rows, eval_dataset=rows
    )
    trainer.train()
    kept = [name for name in os.listdir("runs/hf") if name.startswith("checkpoint-")]
    assert 1 <= len(kept) <= 2
    assert os.path.exists(f"runs/hf/{kept[0]}/optimizer.pt")
    trainer.save_model("final")
    trainer.push_to_hub()
    assert os.path.exists("final/model.safetensors")
    trainer.train(resume_from_checkpoint=f"runs/hf/{kept[0]}")


def test_lightning(on):
    lightning = pytest.importorskip("lightning")
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch, index):
            loss = self.layer(batch).pow(2).mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    keeper = ModelCheckpoint(
        dirpath="checkpoints", monitor="loss", save_top_k=2, every_n_train_steps=1, save_last=True
    )
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[keeper],
        logger=[CSVLogger("logs"), TensorBoardLogger("boards")],
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2)
    trainer.fit(Module(), loader)
    assert len(os.listdir("checkpoints")) == 3
    assert torch.load(keeper.best_model_path)["global_step"] > 0
    assert os.path.exists("logs/lightning_logs/version_0/metrics.csv")
    assert os.listdir("boards/lightning_logs/version_0")
    default = lightning.Trainer(
        max_steps=2,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    default.fit(Module(), loader, ckpt_path=None)
    assert os.path.exists("lightning_logs/version_0/checkpoints")


def test_a_loader_with_workers_that_cache(on):
    torch = pytest.importorskip("torch")

    class Cached(torch.utils.data.Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            path = Path(f"cache/{index}.pt")
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                torch.save(torch.tensor(index), path)
            return torch.load(path)

    loader = torch.utils.data.DataLoader(Cached(), num_workers=2, multiprocessing_context="fork")
    for _ in range(2):
        assert sorted(int(x) for x in loader) == list(range(8))
    assert len(os.listdir("cache")) == 8


def test_nothing_is_pushed(on):
    hub = pytest.importorskip("huggingface_hub")
    api = hub.HfApi()
    assert api.create_repo("somebody/something").repo_id == "somebody/something"
    Path("file.txt").write_text("1")
    info = hub.upload_file(
        path_or_fileobj="file.txt", path_in_repo="file.txt", repo_id="somebody/something"
    )
    assert info.repo_url.repo_id == "somebody/something"
    assert api.upload_folder(repo_id="a/b", folder_path="data", run_as_future=True).done()


LATE = """
import os, sqlite3
from os import listdir, remove
import torch
from torch import save, load
from safetensors.torch import save_file, load_file
import tokenizers
import pyarrow.parquet as pq, pyarrow as pa

save({"w": torch.ones(2)}, "best.pt")
assert load("best.pt", mmap=True)["w"].sum() == 2
save_file({"w": torch.ones(2)}, "m.safetensors")
assert load_file("m.safetensors")["w"].sum() == 2
tokenizers.Tokenizer(tokenizers.models.BPE()).save("t.json")
pq.write_table(pa.table({"a": [1]}), "t.parquet")
assert pq.read_table("t.parquet").num_rows == 1
sqlite3.connect("s.db").close()
print(sorted(listdir(".")))
remove("best.pt")
print(os.path.exists("best.pt"))
raise SystemExit("end")
"""


def test_libraries_that_are_imported_inside(project, monkeypatch, tmp_path_factory):
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    script = tmp_path_factory.mktemp("scripts") / "late.py"
    script.write_text(LATE)
    record = process.examine(Target(str(script)), Settings(), observe="fake_observe:run")
    assert "sys.exit('end')" in record.run.outcome, record.run
    names = "best.pt data data-link latest log.txt m.safetensors runs s.db t.json t.parquet"
    assert record.run.output_tail == (str(names.split()), "False")
