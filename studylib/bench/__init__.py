"""Benchmarks as commands: ``study bench``, never timed tests.

A benchmark is a module of this folder with ``main(arguments)``; the commands are listed here.
"""

from __future__ import annotations

from importlib import import_module

BENCHMARKS = {
    "calibration": "the statistics on simulated trials: what intervals and verdicts promise, and what they keep",
    "training": "tokens/s and FLOP utilisation against transformers and plain PyTorch",
    "gpu": "all that only a GPU can show, part by part, into one file",
    "attention": "dense and sparse attention by every back-end, forwards and backwards",
    "sampling": "tokens/s of drawing text, with and without what was read kept, against transformers",
    "tuning": "tokens/s of fine-tuning on conversations against pre-training, and against trl's SFTTrainer",
    "waterfall": "tokens/s and memory, one switch at a time, from the plainest setting to the fastest",
    "layout": "the number of workers and threads that trains most tiny trials an hour",
    "startup": "import, plan, and a second run",
    "ladder": "whether a corpus keeps rewarding bigger models",
    "scheduler": "what the worker pool adds to 5-second trials",
    "loading": "how long training waits for its data",
    "tokenizing": "text to token shards against SentencePiece's own batch encoding",
    "extension": "pieces added to a tokenizer; every row of any files encoded and decoded",
    "cleaning": "cleaning text: speed, memory, against datatrove's deduplication, and against labels",
    "gate": "what the JGLUE gate lets through of disguised files, and what it drops of other text",
    "tokenizer_export": "rows of any files, encoded by us and by AutoTokenizer from the exported folder",
    "tokenizer_counts": "tokenizers from counted pieces against plain SentencePiece: memory, time, agreement",
}


def main(arguments: list[str]) -> int:
    """Run one benchmark, or list them.

    Raises
    ------
    StudyError
        There is no such benchmark; the message lists those there are.
    """
    from studylib.errors import invalid

    if not arguments or arguments[0] in ("-h", "--help"):
        print("study bench NAME [OPTIONS]; NAME --help lists its options\n")
        for name, about in BENCHMARKS.items():
            print(f"  {name:16} {about}")
        return 0
    name, *rest = arguments
    if name not in BENCHMARKS:
        raise invalid("benchmark", name, "is not known", choices=BENCHMARKS)
    return import_module(f"studylib.bench.{name}").main(rest)
