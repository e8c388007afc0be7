"""Benchmarks run; what they print is read by people, so only the arithmetic is held to numbers."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import studylib
from studylib import run_trials
from studylib.bench import main
from studylib.bench._beside import HERE, THERE
from studylib.bench.contenders import CONTENDERS
from studylib.bench.timing import Rates, in_turn, quietness, ratio
from studylib.errors import StudyError
from studylib.registry import SOURCES
from studylib.spec import ModelSpec


def test_unknown_benchmark_lists_the_known():
    with pytest.raises(StudyError, match="did you mean training"):
        main(["trainin"])


def test_rates_are_work_over_time(monkeypatch):
    now = [0.0]

    def takes(seconds: float):
        return lambda: now.__setitem__(0, now[0] + seconds)

    monkeypatch.setattr("studylib.bench.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("studylib.bench.timing.wait_until_quiet", lambda say: None)
    rates = in_turn({"a": takes(0.01), "b": takes(0.02)}, work=5, rounds=3, seconds=0.05, warm_up=0)
    assert rates["a"].rounds == pytest.approx((500, 500, 500))
    assert ratio(rates["a"], rates["b"])[0] == pytest.approx(2)


def test_slow_contenders_have_fewer_rounds_and_a_bounded_warm_up(monkeypatch, capsys):
    now, calls = [0.0], []

    def takes_two_minutes():
        calls.append(now[0])
        now[0] += 120

    monkeypatch.setattr("studylib.bench.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("studylib.bench.timing.wait_until_quiet", lambda say: None)
    rates = in_turn({"slow": takes_two_minutes}, work=240, rounds=9)
    assert rates["slow"].rounds == (2.0,) * 5 and len(calls) == 1 + 5
    assert "5 rounds of about 120.0 s" in capsys.readouterr().err


def test_tables_say_whether_the_machine_was_quiet():
    assert quietness([Rates((1.0,), 0.01), Rates((1.0,), 0.02)]).endswith("meanwhile: 2 %")
    assert quietness([Rates((1.0,), 0.4)]).endswith("meanwhile: 40 %, not quiet")
    assert quietness([Rates((1.0,))]).endswith("not known")


def test_ratio_is_taken_round_by_round():
    drifting, half = Rates((100.0, 10.0, 1.0)), Rates((50.0, 5.0, 0.5))
    assert ratio(drifting, half) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_learn_the_same_batch(name):
    if name == "transformers":
        pytest.importorskip("transformers", reason="the test extra installs transformers")
    model = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=16)
    rows = np.random.default_rng(0).integers(0, 512, (4, 17))
    step = CONTENDERS[name](model, "float32", False)
    losses = [float(step(rows)) for _ in range(30)]
    assert losses[0] == pytest.approx(np.log(512), rel=0.1)
    assert losses[-1] < losses[0] - 0.3


def test_tokenizer_benchmarks_print_both_ways(capsys, tmp_path):
    file = tmp_path / "figures.json"
    asked = ["--megabytes", "0.3", "--vocab-size", "500", "--kind", "bpe", "--json", str(file)]
    assert main(["tokenizer_counts", *asked]) == 0
    printed = capsys.readouterr().out
    lines, counts = json.loads(file.read_text(encoding="utf-8"))
    assert (lines["way"], counts["way"]) == ("lines", "counts") and "times less memory" in printed
    assert lines["overlap"] == counts["overlap"] == 1.0, "byte-pair encoding is the same from counts"
    assert lines["chars_per_token"] == counts["chars_per_token"] > 0.5
    assert main(["tokenizing", "--megabytes", "0.3", "--vocab-size", "500", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(f"SentencePiece, {way}" in printed for way in ("threads", "processes")) and "shards: " in printed


def test_extension_benchmark_checks_every_row(capsys, tmp_path):
    texts = [document.text for document in SOURCES["miniworld"]("t", {"register": "ja", "bytes": 200_000}).documents()]
    code = [document.text for document in SOURCES["miniworld"]("t", {"register": "code", "bytes": 100_000}).documents()]
    for name, rows in (("ja", texts), ("code", code)):
        lines = "".join(json.dumps({"body": row}, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    paths = [f"{tmp_path / name}.jsonl:body" for name in ("ja", "code")]
    asked = ["--path", paths[0], "--new-path", paths[1], "--check", *paths, "--kind", "bpe", "--vocab-size", "500"]
    assert main(["extension", *asked, "--added", "50"]) == 0
    printed = capsys.readouterr().out
    assert f"{len(texts):,} rows of {paths[0]}" in printed and f"{len(code):,} rows of {paths[1]}" in printed


def test_tokenizer_export_benchmark_compares_every_row(capsys, tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="the test extra installs transformers")
    rows = [document.text for document in SOURCES["miniworld"]("t", {"register": "ja", "bytes": 60_000}).documents()]
    lines = "".join(json.dumps({"body": row}, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "ja.jsonl").write_text(lines, encoding="utf-8")
    asked = ["tokenizer_export", "--path", f"{tmp_path / 'ja.jsonl'}:body", "--vocab-size", "450", "--added", "5"]
    assert main([*asked, "--rows", "20"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("20 of 20 rows have the same ids, 20 are decoded alike") == 8
    monkeypatch.setattr("studylib.data.tokenizer_json._SPACE", "_")
    assert main([*asked, "--rows", "3"]) == 1
    assert "differs: " in capsys.readouterr().out


def test_loading_benchmark_prints_the_share(capsys):
    assert main(["loading", "--shape", "0.1M", "--steps", "12", "--megabytes", "0.3"]) == 0
    share = float(capsys.readouterr().out.split("%")[0].split()[-1])
    assert 0 < share < 100


@pytest.mark.slow
def test_contenders_are_timed_in_processes_of_their_own(capsys, monkeypatch):
    from studylib.bench import training

    tiny = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=16)
    monkeypatch.setitem(training.SHAPES, "10M", tiny)
    monkeypatch.setitem(training.PEAK_SIZES, "cpu", 64)
    monkeypatch.setattr(training, "in_turn", lambda *a, **k: in_turn(*a, **k | {"seconds": 0.02, "rounds": 2}))
    asked = ["--shape", "10M", "--eager", "--batch", "2", "--same-allocator"]
    assert main(["training", *asked, "--only", "studylib", "--only", "plain PyTorch"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("x (") == 2 and "memory kept" in printed


@pytest.mark.slow
def test_tuning_is_timed_against_pre_training_and_trl(capsys, monkeypatch, tmp_path):
    pytest.importorskip("trl", reason="the test extra installs trl")
    from studylib.bench import training, tuning

    tiny = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=128)
    monkeypatch.setitem(training.SHAPES, "10M", tiny)
    monkeypatch.setattr(tuning, "in_turn", lambda *a, **k: in_turn(*a, **k | {"seconds": 0.02, "rounds": 2}))
    told = SOURCES["miniworld"]("told", {"register": "instruct", "task": "conversation", "bytes": 80_000}).documents()
    talks = [
        {"messages": [{"role": one.role, "content": one.content} for one in document.conversation.messages]}
        for document in told
    ]
    file = tmp_path / "talks.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in talks), encoding="utf-8")
    asked = [tuning.PRE_TRAINING, tuning.PACKED, "trl, padded"]
    only = [word for name in asked for word in ("--only", name)]
    assert main(["tuning", "--path", str(file), "--eager", "--batch", "2", "--dtype", "float32", *only]) == 0
    printed = capsys.readouterr().out
    assert printed.count("x (") == 2 and all(name in printed for name in asked)


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(StudyError, match="sees no CUDA device"):
        main(["training", "--gpu"])


@pytest.mark.slow
def test_layouts_are_counted_in_trials_an_hour(capsys, tmp_path, monkeypatch):
    # Workers are really started where it is carried out as a step.
    monkeypatch.setattr("studylib.trials.layout.run_trials", partial(run_trials, launcher="inprocess"))
    file = tmp_path / "layouts.json"
    asked = ["--trials", "2", "--steps", "2", "--hidden", "16", "--rounds", "1", "--json", str(file)]
    assert main(["layout", *asked]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))["layouts"]
    assert [one["workers"] * one["threads"] for one in found] == [found[0]["threads"]] * len(found)
    assert min(one["trials_an_hour"] for one in found) > 0 and "trials/hour" in capsys.readouterr().out


@pytest.mark.slow
def test_a_tree_is_measured_beside_another_checkout(capsys, tmp_path):
    shutil.copytree(Path(studylib.__file__).parent, tmp_path / "other" / "studylib")
    trainer = tmp_path / "other" / "studylib" / "train" / "trainer.py"
    slower = trainer.read_text(encoding="utf-8").replace(
        '"val_loss": self.last["val_loss"],', '"val_loss": 2 * self.last["val_loss"],'
    )
    trainer.write_text(slower, encoding="utf-8")
    file = tmp_path / "beside.json"
    asked = ["--trials", "2", "--steps", "2", "--hidden", "16", "--rounds", "1", "--json", str(file)]
    assert main(["layout", *asked, "--beside", str(tmp_path / "other")]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))["beside"]["16"]
    (here,), (there,) = found[HERE], found[THERE]
    assert there["package"] == str(tmp_path / "other" / "studylib") != here["package"]
    assert there["losses"] == pytest.approx([2 * loss for loss in here["losses"]])
    assert 0 < here["without_start"] < here["with_start"] and here["processor"] > 0
    assert "differ by at most 6.7e-01" in " ".join(capsys.readouterr().out.split())


def test_what_is_measured_beside_must_be_a_checkout(tmp_path):
    with pytest.raises(StudyError, match=r"--beside.*holds no package studylib"):
        main(["layout", "--beside", str(tmp_path)])


def test_attention_is_timed_by_pattern(capsys):
    asked = ["--seq-len", "128", "--window", "16", "--heads", "1", "--head-dim", "8", "--eager", "--rounds", "1"]
    assert main(["attention", *asked]) == 0
    assert "sliding_window, blocks" in capsys.readouterr().out


def test_sampling_is_timed_with_and_without_what_was_read(capsys):
    pytest.importorskip("transformers", reason="the test extra installs transformers")
    small = ["--layers", "1", "--hidden-size", "16", "--vocab-size", "512", "--batch", "2", "--rounds", "1"]
    assert main(["sampling", *small, "--length", "4", "--length", "9"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("x (") == 4 and printed.count("whole context again") == printed.count("transformers") == 2
    assert main(["sampling", *small, "--length", "4", "--mixer", "retnet"]) == 0
    assert "transformers" not in capsys.readouterr().out


@pytest.mark.parametrize("contender", ["studylib, kept", "studylib, whole context again"])
def test_sampling_contenders_draw_every_token_that_is_counted(contender, monkeypatch):
    import torch

    from studylib.bench import sampling
    from studylib.model.gpt import build_gpt
    from studylib.parallel import world
    from studylib.spec import ParallelSpec
    from studylib.train.compute import Compute

    rows, draw = [], sampling.draw_documents
    monkeypatch.setattr(sampling, "draw_documents", lambda *a, **k: rows.extend(draw(*a, **k)))
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(ModelSpec(num_layers=1, hidden_size=16, num_heads=2, vocab_size=16, seq_len=40), one, seed=0)
    sampling._contenders(gpt, Compute("cpu", "float32", "none", 1), 5, 40)[contender]()
    assert [len(tokens) for tokens, _ in rows] == [40] * 5
