"""How many trials of scale quick's size end in an hour with several at a time on one card."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from studylib.bench.gpu.parts import Record, Setting, attempt
from studylib.spec import DataSpec, ModelSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.trials import run_trials

AT_A_TIME = (1, 2, 4, 8)
_EACH = 2  # trials of each worker: the first also pays for its start


def records(setting: Setting) -> Iterator[Record]:
    base, out, seeds = trial(setting), setting.work / "study", itertools.count(1)
    yield attempt("first trial", partial(_first, base, setting))
    for workers in AT_A_TIME[: 2 if setting.small else None]:
        specs = [base.replace(seed=next(seeds)) for _ in range(_EACH * workers)]
        yield attempt(f"{workers} at a time", partial(at_a_time, specs, workers, out))


def trial(setting: Setting) -> TrialSpec:
    """About the largest of scale quick: 36 thousand parameters beside the embeddings."""
    data = DataSpec(
        sources=(SourceSpec(options={"register": "ja", "bytes": 600_000}),),
        tokenizer=TokenizerSpec(vocab_size=1024, sample_bytes=300_000),
    )
    model = ModelSpec(num_layers=2, hidden_size=40, num_heads=5, vocab_size=1024, seq_len=64)
    base = TrialSpec(
        model=model, data=data, train_steps=5 if setting.small else 400, global_batch_size=8, eval_tokens=8192
    )
    return base.replace(**{"compute.device": setting.device})


def at_a_time(specs: list[TrialSpec], workers: int, out: Path) -> Record:
    """``trials_an_hour`` between the workers' first trials and their last, so that their start does not count; and with it."""
    ends: list[float] = []

    def listen(event: dict) -> None:
        if event["event"] == "finished" and event["step"].startswith("trials/"):
            ends.append(time.perf_counter())

    began = time.perf_counter()
    done = run_trials(specs, out, workers=workers, timeout=90, progress=listen)
    wrong = [message for message in done["message"].to_list() if message]
    if wrong:
        raise RuntimeError(wrong[0])
    first, last = (statistics.mean(part) for part in (ends[:workers], ends[-workers:]))
    return {
        "trials_an_hour": 3600 * (len(specs) - workers) / (last - first),
        "with_their_start": 3600 * len(specs) / (ends[-1] - began),
        "tokens_per_s_each": done["tokens_per_s"].median(),
    }


def _first(base: TrialSpec, setting: Setting) -> Record:
    """Prepares the text; its validation loss says that what is timed learns."""
    done = run_trials([base], setting.work / "study", workers=1, timeout=120, progress=[])
    if done["message"].to_list()[0]:
        raise RuntimeError(done["message"].to_list()[0])
    return {"seconds": done["seconds"].to_list()[0], "val_loss": done["val_loss"].to_list()[0]}
