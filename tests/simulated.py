"""Trials of a study that was never run, from a valley with a known bottom."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from studylib.files import write_json, write_text
from studylib.spec import DataSpec, ModelSpec, TokenizerSpec, TrialSpec

EVIL = "<script>document.title='owned'</script>"
# (layers, hidden) at about equal non-embedding parameters, by budget
SHAPES = {
    "0.3M": [(1, 160), (2, 112), (4, 80), (8, 56), (16, 40)],
    "1M": [(2, 208), (4, 144), (8, 104), (16, 72), (32, 48)],
    "4M": [(2, 400), (4, 288), (8, 200), (16, 144), (32, 96)],
    "16M": [(4, 576), (8, 408), (16, 288), (32, 200), (64, 144)],
}
SIZES = {"0.3M": 0.3e6, "1M": 1e6, "4M": 4e6, "16M": 16e6}


def simulate(seeds: int = 3, sizes: tuple[str, ...] = tuple(SHAPES), noise: float = 0.004) -> pl.DataFrame:
    """Trials as ``run_trials`` returns them, from a valley whose bottom moves with size; one of them diverged."""
    generator = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        common = generator.normal(0, 0.012, seeds)
        best = 20 * (SIZES[size] / 1e6) ** 0.12
        for layers, hidden in SHAPES[size]:
            for seed in range(seeds):
                spec = spec_of(layers, hidden, seed, size)
                aspect = hidden / layers
                bpb = 1.2 + 30 / SIZES[size] ** 0.28 + 0.016 * math.log(aspect / best) ** 2
                bpb += common[seed] + generator.normal(0, noise)
                failed = (layers, hidden, seed) == (32, 48, 2)
                rows.append(
                    {
                        "hash": spec.hash, "variant": f"{layers}×{hidden}", "size": size, "seed": seed,
                        "status": "diverged" if failed else "done",
                        "message": f"loss is nan at step 40 {EVIL}" if failed else "",
                        "num_layers": layers, "hidden_size": hidden, "num_heads": spec.model.num_heads,
                        "params": int(SIZES[size] * 1.3), "non_embedding_params": int(SIZES[size]),
                        "val_bpb": None if failed else bpb, "val_loss": None if failed else bpb * 2.9,
                        "train_loss": None if failed else bpb * 2.8, "tokens": 2_000_000,
                        "flops": 6 * SIZES[size] * 2e6 * (1 + 0.01 * layers), "seconds": 20.0 + layers,
                        "tokens_per_s": None if failed else 9e4 / (1 + 0.04 * layers) + generator.normal(0, 600),
                        "memory_bytes": int(3e8 * SIZES[size] ** 0.1 + 4e6 * layers),
                    }
                )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        (pl.col("hidden_size") / pl.col("num_layers")).alias("aspect")
    )


def spec_of(layers: int, hidden: int, seed: int, size: str) -> TrialSpec:
    return TrialSpec(
        model=ModelSpec(num_layers=layers, hidden_size=hidden, num_heads=hidden // 8, vocab_size=1024),
        data=DataSpec(tokenizer=TokenizerSpec(vocab_size=1024)),
        train_steps=200, seed=seed, tags={"variant": f"{layers}×{hidden}", "size": size, "note": EVIL},
    )  # fmt: skip


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
