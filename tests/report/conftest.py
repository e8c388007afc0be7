"""A synthetic study, complete enough for every page: one idea done, one failed, one running, one not run."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from simulated import EVIL, simulate, write_trials

from studylib import analysis, findings
from studylib.files import write_json, write_text
from studylib.result import BySize, Estimate, Found, IdeaResult, SizeLeader, Text, VariantMetrics
from studylib.spec import Setting


def make_study(folder: Path) -> Path:
    """Write the whole synthetic study under ``folder`` (figures drawn by the product's own code) and return it."""
    trials = simulate()
    write_trials(folder, trials)
    home = folder / "depth_width"
    home.mkdir(parents=True)
    trials.write_parquet(home / "trials.parquet")
    write_text(home / "log.txt", "kernel started\nall trials done\n")
    write_text(home / "notebook.html", "<!doctype html><html lang='en'><title>notebook</title><p>notebook</p></html>")

    curves = analysis.read_curves(folder, trials)
    valleys = analysis.fit_valleys(trials)
    carried, reason = valleys.carry({"params": 2e9})
    largest = trials.filter(pl.col("size") == "16M")
    accounts = analysis.accountings(trials, bases=("flops", "seconds", "memory"))
    decisions = {basis: analysis.decide_moved(moved, "16M", draws=4000) for basis, moved in accounts.items()}
    verdicts = tuple(decision.verdict(basis) for basis, decision in decisions.items())
    floor = analysis.noise_floor(trials)
    shape = Text(en="shape", ja="形状")
    shown = (
        findings.LossValley.of(trials, valleys, findings.ASPECT),
        findings.Optimum.of(valleys, carried, reason, 2e9, findings.ASPECT),
        findings.Leaders.of(verdicts, "16M", shape),
        findings.Comparison.of(largest, "16×288", shape),
        findings.Curves.of(largest, curves, shape),
        findings.Speed.of(largest, {}, shape),
    )
    figures = tuple(one.save(home, one.name) for one in shown)
    found = [one.record(one.name, figure.file) for one, figure in zip(shown, figures, strict=True)]
    for name, words in (("wide", Text(en="Wide <b>wins</b>.", ja="幅が勝ち。")), ("silent", Text(en="", ja=""))):
        found.append(Found(name=name, kind="Wide", facts={}, words=words))
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
        verdict=flops.text(), findings=tuple(found), winner=flops.leader, decided=flops.ahead, metrics=tuple(metrics),
        verdicts=verdicts,
        noise_floor=floor.as_dict(),
        by_size=BySize(
            sizes=(
                SizeLeader(size="0.3M", params=3e5, leader="aspect 8", p_best=0.61, ahead=False, rivals=(f"aspect 20 {EVIL}",)),
                SizeLeader(size="16M", params=1.6e7, leader="aspect 20", p_best=0.97, ahead=True, rivals=()),
            ),
            change="noise",
        ),
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
                (-0.01, 0.004), (-math.inf, 0.0), seeds=3,
            ),
        ),
        failures=tuple({k: str(v) for k, v in row.items()} for row in failed.iter_rows(named=True)),
        provenance={
            "git": "0123abc", "versions": {"torch": "2.13.0", "nanotron": "0.4"},
            "machine": {"cpu": EVIL, "cores": 2}, "trained_on": {EVIL: 3, "NVIDIA H200": 2}, "data_hash": "00ff00ff00ff00ff", "sources": {"en": {"kind": "miniworld"}, "ja": {"kind": "miniworld"}},
            "params": {"seeds": 3, "data": {"sources": [{"options": {"register": "ja"}}, {"options": {"register": "en"}}]}},
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


@pytest.fixture(scope="session")
def study_with_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that nobody's notebook made, beside an idea that failed."""
    from recipes import make_recipe, write_recipe

    from studylib.report import build_report

    folder = tmp_path_factory.mktemp("recipe")
    write_text(folder / "architecture" / "log.txt", "it broke")
    write_recipe(folder, make_recipe())
    build_report(folder, ideas={})
    return folder
