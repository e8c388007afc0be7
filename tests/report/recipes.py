"""A recipe by hand, with every part that a page shows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
from simulated import EVIL

from studylib.files import write_json, write_text
from studylib.recipe import Line, Recipe, RecipeOptions
from studylib.recipe.choices import FOLDER
from studylib.recipe.cost import StepCost, Volume
from studylib.recipe.dry_run import RanksSummary
from studylib.recipe.layouts import LayoutCost
from studylib.recipe.next_runs import ListedRun, NextRuns
from studylib.recipe.outlook import Outlook, Prediction
from studylib.recipe.published_runs import RunCheck
from studylib.result import Text
from studylib.spec import ModelSpec, ParallelSpec, TrialSpec

PARALLEL = ParallelSpec(tp=4, pp=4, dp=8, micro_batch_size=1)


def _text(en: str, ja: str) -> Text:
    return Text(en=en, ja=ja)


def _lines() -> tuple[Line, ...]:
    measured: dict[str, Any] = {"evidence": "measured", "sizes": ("12k", "36k")}
    return (
        Line(field="model.num_layers", name=_text("Layers", "層数"), value=36, evidence="published",
             source=_text("GPT-3 13B (arXiv 2005.14165)", "GPT-3 13B(arXiv 2005.14165)"), conditions=_text("dense, 13B", "密、13B")),
        Line(field="optimizer.name", name=_text("Optimizer", "オプティマイザ"), value="muon", p_best=0.96, regret_percent=0.02,
             regret_bpb=0.0001, regret_gpu_hours=80, idea="hyperparameters", decided=True, alternatives=("adamw",), **measured),
        Line(field="model.position", name=_text("Positions", "位置の表し方"), value="rope", own_value="alibi", p_own=0.61, p_best=0.39,
             regret_percent=1.55, regret_bpb=0.009, regret_gpu_hours=4200, alternatives=("alibi", "learned"), evidence="published",
             idea="architecture", sizes=("36k",), source=_text(EVIL, EVIL), conflict=_text("by rule", "規則による")),
        Line(field="epochs", name=_text("Epochs", "エポック数"), phase="fine-tuning", value=4, interval=(2, 6), p_best=0.7,
             regret_percent=0.4, idea="finetune_mix", **measured),
        Line(field="model.vocab_size", name=_text("Vocabulary", "語彙"), value=99584, evidence="convention"),
    )  # fmt: skip


def make_recipe(*, forecast: bool = True, **changes: Any) -> Recipe:
    """A 10B recipe; ``forecast``: whether own trials say what the loss will be, and there is a price."""
    model = ModelSpec(num_layers=36, hidden_size=4608, num_heads=36, num_kv_heads=12, intermediate_size=12288, vocab_size=99584, seq_len=4096)  # fmt: skip
    trial = TrialSpec(model=model, parallel=PARALLEL, train_steps=47684, global_batch_size=1024)
    seconds = {"compute": 9.0, "tensor": 1.5, "pipeline": 0.1, "data": 0.4, "bubble": 0.5, "optimizer": 0.1}
    cost = StepCost(**seconds, seconds=sum(seconds.values()), bubble_share=0.04, flops=2.5e17, utilisation=0.41, run_utilisation=0.4, tokens_per_second=2900, volume=Volume(tensor=1e11, pipeline=1e9, data=1e10))  # fmt: skip
    predictions = tuple(
        Prediction(
            tokens=tokens, steps=math.ceil(tokens / 4194304), tokens_per_param=tokens / 1e10, flops=6e10 * tokens,
            loss_bpb=(0.54, 0.57, 0.61) if forecast else None,
            relative_percent=(0.0, 0.0, 0.0) if tokens == 2e11 else (-3.0, -2.0, -1.0),
            gpu_hours=(1.6e-7 * tokens, 1.9e-7 * tokens, 2.4e-7 * tokens), days=(5.2e-11 * tokens, 6.2e-11 * tokens, 7.8e-11 * tokens),
            cost=(8e4, 9.5e4, 1.2e5) if forecast else None,
        )
        for tokens in (2e11, 1e11, 1e12)
    )  # fmt: skip
    law = (
        _text("own trials, 12k to 36k", "自前の試行、12k から 36k")
        if forecast
        else _text("Chinchilla's law", "Chinchilla の法則")
    )
    content = {
        "options": RecipeOptions(**({"price_per_gpu_hour": 2.5, "currency": "USD"} if forecast else {})), "scale": "quick",
        "ideas": ("architecture", "hyperparameters", "finetune_mix"), "missing": ("depth_width",), "failed": {"tokenizer": f"damaged {EVIL}"},
        "digests": {}, "lines": _lines(), "trial": trial, "tunings": {}, "params": 9_990_000_000, "non_embedding_params": 9_070_000_000,
        "layout": LayoutCost(parallel=PARALLEL, recompute="none", fits=True, memory_bytes=4.1e10, memory_by_stage=(4.1e10,) * 4,
                             usable_bytes=7.2e10, card_bytes=8e10, cost=cost),
        "layouts": 120,
        "passes": {"ja": 1.0},
        "ranks": RanksSummary(ranks=128, parameters=9_990_000_000, lightest_bytes=3e10, heaviest_bytes=4.1e10, heaviest_stage=3, mean_bytes=3.5e10,
                              usable_bytes=7.2e10, card_bytes=8e10, fits=True, balance=0.97, bubble_share=0.04,
                              tensor_bytes=1e11, pipeline_bytes=1e9, data_bytes=1e10),
        "outlook": Outlook(law=law, carried=forecast, slope=(-0.06, -0.05, -0.04), level_bpb=0.57 if forecast else None,
                           utilisation=(0.3, 0.41, 0.5), utilisation_source=_text("published runs", "公表された学習"), predictions=predictions),
        "checks": (RunCheck(name="Llama 2 13B", card="a100-80gb", gpus=1024, layout="tp 8, dp 128", whole=False, said="3.3e6 GPU-hours", taken="", published=1540.0, predicted=1610.0,
                            error=0.045, left_out_error=0.06, utilisation=0.4, source="arXiv 2307.09288"),),
        "gaps": (_text("optimizer muon", "オプティマイザ muon"),),
        "next_runs": NextRuns(
            runs=(ListedRun(idea="architecture", choice="model.position", phase="pre-training", params=2.5e7, seeds=3,
                            variants=("rope", "alibi"), trials=6, flops=1e17, gpu_hours=1.25, reduction_percent=0.3,
                            reduction_per_gpu_hour=0.24, command="study run architecture --scale gpu --set 'budgets=[25_000_000]' --out reports/gpu"),),
            budget_gpu_hours=100.0, gpu_hours=1.25, regret_percent=2.1, after_percent=1.8),
        "files": ("recipe.json", "train.sbatch", "gone.yaml"),
    }  # fmt: skip
    return Recipe(**(content | changes))


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """``recipe`` in the study ``folder``, with some of its files."""
    home = folder / FOLDER
    write_json(home / "recipe.json", recipe.model_dump(mode="json"))
    write_text(home / "train.sbatch", "#!/bin/bash\n")
    table = pl.DataFrame({
        "layout": ["tp 4, pp 4, dp 8", "tp 8, pp 4, dp 4"], "fits": [True, False], "memory_bytes": [4.1e10, 9e10], "seconds": [11.6, 12.5],
        "utilisation": [0.41, 0.38], "bubble_share": [0.04, 0.1], "tokens_per_second": [2900.0, 2700.0],
    })  # fmt: skip
    table.write_parquet(home / "layouts.parquet")
