"""``study bench waterfall``: tokens/s and memory of one training step, from the plainest setting to the fastest."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studylib.bench.training import SHAPES
from studylib.environment import cores, gpus
from studylib.files import write_json
from studylib.machine import describe, versions
from studylib.spec import DataSpec, TokenizerSpec, TrialSpec
from studylib.trials import run_steps, waterfall_frame, waterfall_steps


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench waterfall", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="350M" if gpus() else "10M")
    parser.add_argument("--batch", type=int, default=16, help="sequences a step (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    parser.add_argument("--out", type=Path, help="keep single measurements here, so that a second run goes on")
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument("--parquet", type=Path, help="write the table here")
    asked = parser.parse_args(arguments)
    model = SHAPES[asked.shape]
    spec = TrialSpec(
        model=model, data=DataSpec(tokenizer=TokenizerSpec(vocab_size=model.vocab_size)), train_steps=1,
        global_batch_size=asked.batch,
    )  # fmt: skip
    threads = asked.threads or cores()
    with tempfile.TemporaryDirectory() as temporary:
        out = asked.out or Path(temporary)
        run_steps(waterfall_steps(spec, threads=threads), out)
        frame = waterfall_frame(spec, out, threads=threads)
    where = describe()["gpus"][0] if gpus() else f"{describe()['processor']}, {threads} threads"
    table = Table(title=f"{asked.shape}, batch {asked.batch} x {model.seq_len}; {where}; torch {versions()['torch']}")
    for column in ("", "tokens/s", "least - most", "against plain", "peak MB", "loss"):
        table.add_column(column, justify="left" if not column else "right")
    for row in frame.iter_rows(named=True):
        spread = f"{row['least']:,.0f} - {row['most']:,.0f}"
        memory = f"{row['peak_memory_bytes'] / 1e6:,.0f}"
        table.add_row(
            row["label"], f"{row['tokens_per_s']:,.0f}", spread, f"{row['speedup']:.2f}x", memory, f"{row['loss']:.4f}"
        )
    Console(width=120).print(table)
    if asked.json:
        write_json(asked.json, {"machine": describe(), "versions": versions(), "rows": frame.to_dicts()})
    if asked.parquet:
        frame.write_parquet(asked.parquet)
    return 0
