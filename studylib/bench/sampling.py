"""``study bench sampling``: tokens/s of drawing text, with what was read kept and with the whole context read again, in one run.

The contender is ``generate`` of transformers on the same weights, exported as a Llama.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from rich.console import Console
from rich.table import Table

from studylib.bench.timing import Rates, in_turn, quietness, ratio
from studylib.data.pseudo import SamplingSpec
from studylib.machine import describe, versions
from studylib.model.cost import parameter_count
from studylib.model.gpt import GPT, build_gpt
from studylib.model.reading import Reading
from studylib.parallel import world
from studylib.registry import MIXERS
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, ParallelSpec, TokenizerSpec, TrialSpec
from studylib.train.compute import Compute, resolve
from studylib.train.draw import draw_documents
from studylib.train.export import export_llama

SHAPE = ModelSpec(num_layers=4, hidden_size=256, num_heads=4, vocab_size=8192, seq_len=256)
KEPT, AGAIN, TRANSFORMERS = "studylib, kept", "studylib, whole context again", "transformers"


class ReadingAgain(Reading):
    """Reads everything again for every token: nothing is kept but the tokens."""

    def hidden_states(self, input_ids: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
        self.read = torch.cat([self.read, input_ids], dim=1) if self.length else input_ids
        self.prefix_len = prefix_len if not self.length else self.prefix_len
        self.length += input_ids.shape[1]
        return self.gpt.model.hidden_states(self.read, self.prefix_len)[:, -input_ids.shape[1] :]

    def select(self, rows: torch.Tensor) -> None:
        self.read = self.read[rows]
        self.prefix_len = None if self.prefix_len is None else self.prefix_len[rows]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench sampling", description=__doc__)
    parser.add_argument("--length", action="append", type=int, help="tokens drawn a row (default: 64, 128 and 256)")
    parser.add_argument("--batch", type=int, default=16, help="rows (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=SHAPE.num_layers, help="(default: %(default)s)")
    parser.add_argument("--hidden-size", type=int, default=SHAPE.hidden_size, help="(default: %(default)s)")
    parser.add_argument("--vocab-size", type=int, default=SHAPE.vocab_size, help="(default: %(default)s)")
    parser.add_argument("--mixer", choices=MIXERS, default="attention", help="transformers has attention only")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="float32")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads or len(os.sched_getaffinity(0)))
    lengths = asked.length or [64, 128, 256]
    model = SHAPE.replace(
        num_layers=asked.layers, hidden_size=asked.hidden_size, vocab_size=asked.vocab_size, mixer=asked.mixer,
        seq_len=max(SHAPE.seq_len, *lengths),
    )  # fmt: skip
    trial = TrialSpec(
        model=model, data=DataSpec(tokenizer=TokenizerSpec(vocab_size=model.vocab_size)), train_steps=1,
        compute=ComputeSpec(dtype=asked.dtype, compile="none"),
    )  # fmt: skip
    compute = resolve(trial)
    with world(ParallelSpec(), compute.torch_device) as one:
        gpt = build_gpt(model, one, seed=0, execution=compute.execution).eval()
    console = Console(width=120)
    machine = describe()
    where = machine["gpus"][0] if compute.device == "cuda" else machine["processor"]
    console.print(f"{where}, {torch.get_num_threads()} threads; torch {versions()['torch']}; {asked.dtype}, eager")
    table = Table(
        title=f"{parameter_count(model).total:,} parameters, {asked.mixer}, {asked.batch} rows, top-p {SamplingSpec().top_p}"
    )
    for column in ("", "tokens a row", "tokens/s", "least - most", "studylib, kept, against it"):
        table.add_column(column, justify="left" if not column else "right")
    timed: list[Rates] = []
    for length in lengths:
        rates = in_turn(
            _contenders(gpt, compute, asked.batch, length), work=asked.batch * length, rounds=asked.rounds, warm_up=1
        )
        for name, rate in rates.items():
            middle, low, high = ratio(rates[KEPT], rate)
            against = "" if name == KEPT else f"{middle:.2f}x ({low:.2f} - {high:.2f})"
            timed.append(rate)
            least, most = rate.spread
            table.add_row(name, str(length), f"{rate.median:,.0f}", f"{least:,.0f} - {most:,.0f}", against)
    table.caption = quietness(timed)
    console.print(table)
    return 0


def _contenders(gpt: GPT, compute: Compute, batch: int, length: int) -> dict[str, Callable[[], None]]:
    """Functions that draw ``length`` tokens for each of ``batch`` rows, by the default temperature and top-p."""
    sampling = SamplingSpec(batch_documents=batch, max_tokens=length)
    mark = gpt.spec.vocab_size - 1
    # EOS is among what is never drawn, so that every row is as long as was asked for.
    tokenizer = SimpleNamespace(eos_id=mark, bos_id=mark, pad_id=mark, vocab_size=mark, known_pieces={})

    def ours(reading: Callable[[GPT], Reading]) -> Callable[[], None]:
        return lambda: draw_documents(gpt, compute, tokenizer, length, sampling, 0, reading=reading)

    found = {KEPT: ours(Reading), AGAIN: ours(ReadingAgain)}
    if importlib.util.find_spec("transformers") is not None and gpt.spec.mixer == "attention":
        found[TRANSFORMERS] = _generate(gpt, compute, sampling, length)
    return found


def _generate(gpt: GPT, compute: Compute, sampling: SamplingSpec, length: int) -> Callable[[], None]:
    import transformers

    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        export_llama(gpt, Path(folder))
        llama = transformers.LlamaForCausalLM.from_pretrained(folder, attn_implementation="sdpa")
    llama = llama.to(compute.torch_device, getattr(torch, compute.dtype)).eval()
    mark = gpt.spec.vocab_size - 1
    first = torch.full((sampling.batch_documents, 1), mark, device=compute.torch_device)
    settings = transformers.GenerationConfig(
        do_sample=True, temperature=sampling.temperature, top_p=sampling.top_p, top_k=0, max_new_tokens=length,
        min_new_tokens=length, eos_token_id=mark, pad_token_id=mark,
    )  # fmt: skip

    def call() -> None:
        llama.generate(first, attention_mask=torch.ones_like(first), generation_config=settings)

    return call
