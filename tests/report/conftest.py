"""A synthetic study, complete enough for every page: one idea done, one failed, one running, one not run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulated import EVIL, simulate, spec_of

from studylib import analysis
from studylib.files import write_json, write_text
from studylib.result import Estimate, IdeaResult, Text, VariantMetrics
from studylib.spec import Setting


def write_trials(folder: Path, trials: pl.DataFrame) -> None:
    """``trials/<hash>`` as the trainer leaves them; a failed trial has no result and a curve cut short."""
    generator = np.random.default_rng(1)
    for row in trials.iter_rows(named=True):
        home = folder / "trials" / row["hash"]
        spec = spec_of(row["num_layers"], row["hidden_size"], row["seed"], row["size"])
        write_json(home / "spec.json", spec.model_dump(mode="json"))
        final = row["val_bpb"] or 2.5
        records = []
        for step in range(10, 201 if row["status"] == "done" else 41, 10):
            level = final * (step / 200) ** -0.12
            tokens = step * 10_000
            common = {"step": step, "tokens": tokens, "seconds": step / 10}
            records.append(
                common
                | {"loss": level * 2.9 + generator.normal(0, 0.03), "learning_rate": 1e-3, "grad_norm": 1.0}
                | {"tokens_per_s": 1e4}
            )
            if step % 40 == 0:
                records.append(
                    common | {"val_loss": level * 2.9, "val_bpb": level, "val": {"ja": {"loss": 1.0, "bpb": level}}}
                )
        write_text(home / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))


def make_study(folder: Path) -> Path:
    """Write the whole synthetic study under ``folder`` (figures drawn by the product's own code) and return it."""
    from studylib import report as rp

    trials = simulate()
    write_trials(folder, trials)
    home = folder / "depth_width"
    home.mkdir(parents=True)
    trials.write_parquet(home / "trials.parquet")
    write_text(home / "log.txt", "kernel started\nall trials done\n")
    write_text(home / "notebook.html", "<!doctype html><html lang='en'><title>notebook</title><p>notebook</p></html>")

    curves = analysis.read_curves(folder, trials)
    valleys = analysis.fit_valleys(trials)
    fits = valleys.budgets
    carried, reason = valleys.carry({"params": 1e10})
    largest = trials.filter(pl.col("size") == "16M")
    accounts = analysis.accountings(trials, bases=("flops", "seconds", "memory"))
    decisions = {basis: analysis.decide_moved(moved, "16M", draws=4000) for basis, moved in accounts.items()}
    verdicts = tuple(decision.verdict(basis) for basis, decision in decisions.items())
    floor = analysis.noise_floor(trials)
    table = analysis.compare_to_baseline(largest, "16×288")
    t = Text(
        en="The valley is flat: aspects 9 to 51 cannot be told apart at 16M",
        ja="谷は平ら:16M では縦横比 9〜51 を区別できない",
    )
    figures = (
        rp.save(
            rp.valley(trials, fits), home, "valley", t,
            Text(en="Four panels of loss against aspect ratio.", ja="縦横比に対する損失の 4 枚のパネル。"),
        ),
        rp.save(
            rp.optimum_against_size(fits, carried), home, "optimum",
            Text(en="The best aspect ratio grows slowly with size", ja="最適な縦横比は規模とともにゆっくり大きくなる"),
            Text(en="Best aspect ratio against parameters.", ja="パラメータ数に対する最適な縦横比。"),
        ),
        rp.save(
            rp.p_best(verdicts), home, "p_best",
            Text(en="No shape is a sure winner under any accounting", ja="どの基準でも確実な勝者はない"),
            Text(en="Bars of the probability of being best.", ja="最良である確率の棒グラフ。"),
        ),
        rp.save(
            rp.forest(table, "16×288", noise=floor.mde), home, "forest",
            Text(en="Only the extremes are worse than 16×288", ja="16×288 より劣るのは両端だけ"),
            Text(en="Paired differences with intervals.", ja="対応のある差と信頼区間。"),
        ),
        rp.save(
            rp.learning_curves(curves.filter(pl.col("size") == "16M")), home, "curves",
            Text(en="All shapes learn alike", ja="どの形も同じように学習する"),
            Text(en="Learning curves of five shapes.", ja="5 つの形の学習曲線。"),
        ),
        rp.save(
            rp.throughput(largest), home, "throughput",
            Text(en="Deep models train more slowly", ja="深いモデルほど遅い"),
            Text(en="Bars of tokens per second.", ja="毎秒トークン数の棒グラフ。"),
        ),
    )  # fmt: skip
    metrics = []
    for (size, name), own in trials.group_by("size", "variant", maintain_order=True):
        mean, ci = analysis.estimate(own["val_bpb"].drop_nulls().to_numpy())
        metrics.append(
            VariantMetrics(
                variant=name, size=size, seeds=own["val_bpb"].drop_nulls().len(), val_bpb=Estimate(mean=mean, ci=ci),
                val_loss=Estimate(mean=mean * 2.9, ci=(ci[0] * 2.9, ci[1] * 2.9)),
                tokens_per_s=own["tokens_per_s"].median(), flops=own["flops"][0], params=own["params"][0],
                extra={"aspect": own["aspect"][0]},
            )
        )  # fmt: skip
    failed = trials.filter(pl.col("status") != "done").select("hash", "variant", "status", "message")
    flops = decisions["flops"]
    IdeaResult(
        idea="depth_width", scale="smoke",
        question=Text(en="How deep and how wide?", ja="深さと幅の比はどうあるべきか?"),
        verdict=flops.text(), findings=(Text(en="Wide <b>wins</b>.", ja="幅が勝ち。"), Text(en="", ja="")), winner=flops.leader, decided=flops.ahead, metrics=tuple(metrics), verdicts=verdicts,
        noise_floor=floor.as_dict(),
        settings=(
            Setting(field="model.num_layers", value=40, interval=(24, 64), evidence="measured", sizes=("1M", "16M"), basis="flops",
                    expected_regret_percent=0.12, decided=False),
            Setting(field="model.activation", value="swiglu", alternatives=("relu2", "gelu"), p_best=0.24, evidence="published",
                    source=Text(en=EVIL, ja=EVIL), decided=False),
        ),
        extrapolation=(carried.as_dict() if carried else {"reason": reason})
        | {"remark": Text(en="said in words", ja="文での説明")}
        | {"shape": analysis.buildable_shape(1e10, carried.best if carried else 100, 100_000).as_dict()},
        next_run=Text(en="Run b with 12 seeds each.", ja="b を各 12 シードで実行。"), figures=figures,
        anchors=(
            analysis.score(
                Text(en="A shape 5 times wider costs less than 3 %", ja="5 倍幅広でも損失差は 3 % 未満"),
                "arXiv 2001.08361", (0.4, 1.9), (-math.inf, 3.0), unit="%",
            ),
            analysis.score(
                Text(en="Aspect 64 beats 128", ja="縦横比 64 は 128 に勝る"), "nanochat",
                (-0.01, 0.004), (-math.inf, 0.0),
            ),
        ),
        failures=tuple({k: str(v) for k, v in row.items()} for row in failed.iter_rows(named=True)),
        provenance={
            "git": "0123abc", "versions": {"torch": "2.13.0", "nanotron": "0.4"},
            "machine": {"cpu": EVIL, "cores": 2}, "corpus": "miniworld (synthetic)", "params": {"seeds": 3},
            "data_hash": "00ff00ff00ff00ff", "sources": {"en": {"kind": "miniworld"}, "ja": {"kind": "miniworld"}},
        },
    ).write(home)  # fmt: skip

    write_text(folder / "architecture" / "log.txt", f"Traceback: it broke {EVIL}\n")
    write_json(folder / "tokenizer" / "result.json", {"schema": 1, "idea": "tokenizer"})
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from studylib.report import build_report

    folder = make_study(tmp_path_factory.mktemp("study"))
    build_report(folder, ideas={"depth_width": None, "architecture": None, "tokenizer": None, "data_order": None})
    return folder
