"""What tests of several rooms share: a tiny corpus and a tiny trial on it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from studylib.files import write_json
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.spec.record import record_of

VOCAB = 512
os.environ["STUDYLIB_LONGEST_WAIT"] = "0"  # what a test measures means nothing: it need not wait for a quiet machine
PATIENCE = 240.0  # seconds until a test gives up on what should have happened, on a machine that has other work too


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the time a worker waits for what processes that it started say, or for the disk."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: at the end no worker is left alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(name="alive")
def _alive() -> Callable[[int], bool]:
    """Whether a process runs; a zombie does not."""

    def alive(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return alive


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable:
    """Wait for a condition, however long that takes here, and return its value."""

    def wait_until(condition):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"not so within {PATIENCE:g} s")

    return wait_until


@pytest.fixture
def late_when(monkeypatch) -> Callable:
    """Give a module a clock that is a day ahead while a condition holds: a limit passes when the test says so."""

    def late_when(module: str, condition: Callable[[], bool]) -> None:
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 86_400 * bool(condition()))
        monkeypatch.setattr(f"{module}.time", clock)

    return late_when


@pytest.fixture
def finish() -> Callable:
    """Leave behind what a finished trial of a study folder does; keywords are fields of its result."""

    def finish(out: Path, trial: TrialSpec, **more) -> Path:
        numbers = dict.fromkeys(("val_loss", "val_bpb", "train_loss", "flops", "tokens_per_s"), 1.0)
        counts = dict.fromkeys(("steps", "tokens", "params", "non_embedding_params", "peak_memory_bytes"), 1)
        file = out / trial.name / "result.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file.with_name("spec.json"), trial.model_dump(mode="json"))
        write_json(file, record_of(trial, 1.0) | numbers | counts | {"val": {}} | more)
        return file

    return finish


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """A JSON-lines file of short pseudo-sentences, the same in every run."""
    import json

    rng = random.Random(5)
    words = [
        "".join(rng.choice("abcdefghijklmnopqrstuvwxyzあいうえおかきくけこ") for _ in range(rng.randint(2, 7)))
        for _ in range(400)
    ]
    path = tmp_path_factory.mktemp("corpus") / "text.jsonl"
    with open(path, "w", encoding="utf-8") as stream:
        for _ in range(1500):
            topic = rng.randrange(0, 380, 20)
            text = " ".join(words[topic + int(rng.random() ** 2 * 20)] for _ in range(rng.randint(15, 60)))
            stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="session")
def tiny_data(corpus) -> DataSpec:
    return DataSpec(
        sources=(SourceSpec(kind="files", name="tiny", options={"path": str(corpus)}),),
        tokenizer=TokenizerSpec(vocab_size=VOCAB, sample_bytes=200_000),
    )


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    """Prepared data, made once for all tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def tiny_model() -> ModelSpec:
    return ModelSpec(num_layers=4, hidden_size=32, num_heads=4, num_kv_heads=2, vocab_size=VOCAB, seq_len=32)


@pytest.fixture(scope="session")
def tiny_trial(tiny_data, tiny_model) -> TrialSpec:
    return TrialSpec(
        model=tiny_model, data=tiny_data, train_steps=20, global_batch_size=8, eval_tokens=1024,
        compute=ComputeSpec(device="cpu", dtype="float32", compile="none"),
    )  # fmt: skip
