"""``study bench tuning``: fine-tuning on conversations against pre-training of the same shape, and against trl's SFTTrainer on the same
weights and conversations, in one run.

Every contender is a process of its own and makes one optimizer step when it is its turn. Of fine-tuning, tokens of conversations are
counted: what a row is padded with is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from studylib.bench._side_by_side import in_processes
from studylib.bench.contenders import LEARNING_RATE
from studylib.bench.timing import Rates, in_turn, quietness, ratio
from studylib.bench.training import SHAPES
from studylib.data import Tokenizer, prepare
from studylib.data.prepared import PreparedData
from studylib.data.tokenizer_json import write_tokenizer_json
from studylib.data.training_rows import TrainingRows
from studylib.machine import describe, versions
from studylib.model.cost import parameter_count
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.spec import (
    ComputeSpec,
    DataSpec,
    ModelSpec,
    ObjectiveSpec,
    OptimizerSpec,
    ParallelSpec,
    SourceSpec,
    TokenizerSpec,
    TrialSpec,
)
from studylib.train.allocator import keep_freed_memory
from studylib.train.compute import resolve
from studylib.train.export import export_llama
from studylib.train.optimizer import build_optimizer
from studylib.train.passes import Passes

PRE_TRAINING, PACKED, APART = "pre-training", "fine-tuning, packed", "fine-tuning, one a row"
LABEL = "conversations"
MOST_PIECES = 8192  # of the tokenizer: a larger model's other rows are never read, which costs the same
TRL = {  # name: packed, compiled
    "trl, padded": (False, False),
    "trl, padded, compiled": (False, True),
    "trl, packed": (True, False),
    "trl, packed, compiled": (True, True),
}


@dataclass(frozen=True)
class Job:
    """What a process needs to know.

    Attributes
    ----------
    folder
        Of prepared data (``study``) and of the exported model (``llama``).
    conversations
        A step of trl that pads takes, so that all steps have about as many tokens.
    """

    name: str
    trial: TrialSpec
    folder: Path
    threads: int
    conversations: int


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench tuning", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="10M", help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="rows a step (default: %(default)s)")
    parser.add_argument("--path", help="conversations in a file; default: miniworld's conversations")
    parser.add_argument(
        "--dtype", choices=["auto", "bfloat16", "float32"], default="auto", help="auto: as the engine would"
    )
    parser.add_argument("--eager", action="store_true", help="no torch.compile")
    parser.add_argument("--only", action="append", choices=[PRE_TRAINING, PACKED, APART, *TRL], help="time only these")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    asked = parser.parse_args(arguments)
    threads = asked.threads or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as scratch:
        console = Console(width=120)
        trial = _trial(SHAPES[asked.shape], asked)
        console.print("preparing conversations and tokenizer")
        prepared = prepare(trial.data, Path(scratch) / "study")
        _export(trial, prepared, Path(scratch) / "llama")
        shard = prepared.shards(LABEL).train
        mean = shard.num_tokens / shard.num_documents
        tokens = {PRE_TRAINING: float(trial.tokens_per_step)}
        tokens |= {name: _text_tokens(_tuned(name, trial), prepared) for name in (PACKED, APART)}
        conversations = max(1, round(tokens[PACKED] / mean))
        tokens |= dict.fromkeys(TRL, conversations * mean)
        tokens |= {name: tokens[PACKED] for name, (packed, _) in TRL.items() if packed}
        wanted = [name for name in tokens if not asked.only or name in asked.only]
        if importlib.util.find_spec("trl") is None:
            wanted = [name for name in wanted if name not in TRL]
        compute = resolve(trial)
        machine = describe()
        console.print(
            f"{machine['processor']}, {threads} threads; torch {versions()['torch']}; {compute.dtype}; "
            f"{parameter_count(trial.model).total:,} parameters, {asked.batch} x {trial.model.seq_len} tokens a step; "
            f"conversations of {mean:.0f} tokens"
        )
        if asked.eager:
            wanted = [name for name in wanted if name not in TRL or not TRL[name][1]]
        jobs = {name: Job(name, trial, Path(scratch), threads, conversations) for name in wanted}
        with in_processes({name: (partial(_serve, job), name not in TRL) for name, job in jobs.items()}) as steps:
            rates = in_turn(steps, work=1.0, rounds=asked.rounds)
    console.print(_table({name: _times(rate, tokens[name]) for name, rate in rates.items()}))
    return 0


def _trial(shape: ModelSpec, asked: argparse.Namespace) -> TrialSpec:
    made = {"options": {"register": "instruct", "task": "conversation"}}
    if asked.path:
        made = {"kind": "chat", "options": {"path": asked.path}}
    data = DataSpec(
        sources=(SourceSpec(name=LABEL, **made),), tokenizer=TokenizerSpec(vocab_size=min(shape.vocab_size, MOST_PIECES))
    )  # fmt: skip
    return TrialSpec(
        model=shape, data=data, train_steps=1_000, global_batch_size=asked.batch,
        optimizer=OptimizerSpec(learning_rate=LEARNING_RATE),
        compute=ComputeSpec(dtype=asked.dtype, compile="none" if asked.eager else "layer"),
    )  # fmt: skip


def _tuned(name: str, trial: TrialSpec) -> TrialSpec:
    options = {PRE_TRAINING: {"name": "causal"}, PACKED: {"name": "answers"}}
    return trial.replace(objective=ObjectiveSpec(**options.get(name, {"name": "answers", "most_in_row": 1})))


def _text_tokens(trial: TrialSpec, prepared: PreparedData) -> float:
    """Tokens of conversations in a step, the mean of some."""
    rows = TrainingRows(prepared, trial)
    return float(np.mean([rows.batch(step).text_tokens for step in range(16)]))


def _export(trial: TrialSpec, prepared: PreparedData, folder: Path) -> None:
    with world(ParallelSpec(), torch.device("cpu")) as one:
        export_llama(build_gpt(trial.model, one, seed=0), folder)
    write_tokenizer_json(Tokenizer.load(prepared.tokenizer_file), folder, field="tokenizer")


def _times(rates: Rates, tokens: float) -> Rates:
    return replace(rates, rounds=tuple(tokens * one for one in rates.rounds))


def _table(rates: Mapping[str, Rates]) -> Table:
    table = Table(title="tokens/s; each against fine-tuning, packed", caption=quietness(rates.values()))
    for column in ("", "tokens/s", "least - most", "packed against it"):
        table.add_column(column, justify="left" if not column else "right")
    for name, rate in rates.items():
        against = ""
        if name != PACKED and PACKED in rates:
            middle, low, high = ratio(rates[PACKED], rate)
            against = f"{middle:.2f}x ({low:.2f} - {high:.2f})"
        least, most = rate.spread
        table.add_row(name, f"{rate.median:,.0f}", f"{least:,.0f} - {most:,.0f}", against)
    return table


def _serve(job: Job, pipe: Connection) -> None:
    torch.set_num_threads(job.threads)
    (_serve_trl if job.name in TRL else _serve_engine)(job, pipe)


def _serve_engine(job: Job, pipe: Connection) -> None:
    """Steps as the trainer makes them, rows included."""
    keep_freed_memory()
    spec = _tuned(job.name, job.trial)
    rows, compute = TrainingRows(prepare(spec.data, job.folder / "study"), spec), resolve(spec)
    with world(ParallelSpec(), compute.torch_device) as one:
        gpt = build_gpt(spec.model, one, seed=0, execution=compute.execution, **rows.objective.built_for())
        optimizer = build_optimizer(gpt, spec, one)
        passes = Passes(gpt, one, pipeline_engine("1f1b"), compute, 1.0)
        number = 0
        pipe.send("ready")
        while pipe.recv() is not None:
            batch = rows.batch(number)
            passes(batch, len(batch))
            optimizer.step()
            optimizer.zero_grad()
            if compute.device == "cuda":
                torch.cuda.synchronize()
            number += 1
            pipe.send("done")


def _serve_trl(job: Job, pipe: Connection) -> None:
    """SFTTrainer on the same conversations; without gradient checkpointing, which it would turn on and which costs time."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    import datasets
    import transformers
    import trl

    class InTurn(transformers.TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> Any:
            pipe.send("ready")

        def on_step_begin(self, args: Any, state: Any, control: Any, **others: Any) -> Any:
            if pipe.recv() is None:
                os._exit(0)  # its loop has no other way out in the middle

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> Any:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            pipe.send("done")

    packed, compiled = TRL[job.name]
    prepared, compute = prepare(job.trial.data, job.folder / "study"), resolve(job.trial)
    shard = prepared.shards(LABEL).train
    places = list(zip(shard.document_starts[:-1], shard.document_starts[1:], strict=True))[:4_000]
    table = datasets.Dataset.from_dict(
        {
            "input_ids": [shard.tokens[start:stop].tolist() for start, stop in places],
            "assistant_masks": [shard.learnt[start:stop].tolist() for start, stop in places],
        }
    )
    rows, batch = (1, job.trial.global_batch_size) if packed else (job.conversations, 1)
    config = trl.SFTConfig(
        output_dir=str(job.folder / job.name), max_steps=1_000_000, max_length=job.trial.model.seq_len, packing=packed,
        per_device_train_batch_size=rows, gradient_accumulation_steps=batch, gradient_checkpointing=False,
        torch_compile=compiled, bf16=compute.dtype == "bfloat16", use_cpu=compute.device == "cpu", optim="adamw_torch_fused",
        learning_rate=LEARNING_RATE, max_grad_norm=1.0, weight_decay=0.1, logging_strategy="no", save_strategy="no",
        report_to=[], disable_tqdm=True, train_sampling_strategy="random" if packed else "group_by_length",
    )  # fmt: skip
    trainer = trl.SFTTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained(job.folder / "llama", attn_implementation="sdpa"),
        processing_class=transformers.AutoTokenizer.from_pretrained(job.folder / "llama"),
        args=config, train_dataset=table, callbacks=[InTurn()],
    )  # fmt: skip
    trainer.train()
