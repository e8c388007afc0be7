"""``study bench ladder``: does the corpus keep rewarding bigger models? One trial a size, equal tokens."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from studylib.model.family import shapes_of_size
from studylib.spec import DataSpec, ModelSpec, OptimizerSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.trials import run_trials

REGISTERS = {"ja": 0.7, "en": 0.2, "code": 0.1}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench ladder", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 500_000, 3_000_000], help="non-embedding")
    parser.add_argument("--tokens", type=int, default=3_000_000, help="of each trial (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="sequences of 256 tokens a step (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="CompleteP's base rate")
    parser.add_argument("--files", help="a file, folder or pattern of text instead of miniworld")
    parser.add_argument("--out", type=Path, help="keep the trials here (default: a temporary folder)")
    asked = parser.parse_args(arguments)
    if asked.files:
        sources = (SourceSpec(kind="files", name="files", options={"path": asked.files}),)
    else:
        sources = tuple(
            SourceSpec(name=name, weight=weight, options={"register": name, "bytes": int(2e7 * weight)})
            for name, weight in REGISTERS.items()
        )
    data = DataSpec(sources=sources, tokenizer=TokenizerSpec(vocab_size=2048, sample_bytes=2_000_000))
    base = ModelSpec(num_layers=1, hidden_size=32, num_heads=1, vocab_size=2048, seq_len=256)
    specs = []
    for size in asked.sizes:
        (shape,) = shapes_of_size(size, [32], head_dim=32, base=base)
        for seed in range(asked.seeds):
            trial = TrialSpec(
                model=shape, data=data, seed=seed, train_steps=asked.tokens // (asked.batch * 256), global_batch_size=asked.batch,
                optimizer=OptimizerSpec(learning_rate=asked.learning_rate), tags={"size": size},
            )  # fmt: skip
            specs.append(trial)
    with tempfile.TemporaryDirectory() as temporary:
        trials = run_trials(specs, asked.out or Path(temporary))
    labels = [name for name in trials.columns if name.startswith("val_bpb")]
    print("\t".join(["non-embedding", "shape", "seed", "tokens", *labels, "tokens/s"]))
    for row in trials.to_dicts():
        shape = f"{row['num_layers']}x{row['hidden_size']}"
        if row["status"] != "done":
            print(f"{row['non_embedding_params'] or row['size']}\t{shape}\t{row['status']}: {row['message']}")
            continue
        losses = [f"{row[name]:.4f}" for name in labels]
        cells = [f"{row['non_embedding_params']:,}", shape, str(row["seed"]), f"{row['tokens']:,}", *losses]
        print("\t".join([*cells, f"{row['tokens_per_s']:,.0f}"]))
    return 0
