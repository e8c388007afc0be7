"""Training speed measured alone: never from trials that ran side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import file_lock, read_json, write_json
from studylib.machine import describe, versions
from studylib.spec import TrialSpec
from studylib.spec.version import hash_of
from studylib.trials.machine import gpus, memory_environment, thread_environment
from studylib.trials.process import child_environment


def measure_throughput(specs: Iterable[TrialSpec], out: Path | str) -> dict[str, float] | None:
    """Tokens/s of each specification's shape, by its ``size/variant`` tags, on this machine with nothing beside it.

    Measurements are kept in ``out/throughput``, so a second call measures only what is new. Seeds and other
    tags do not matter: one measurement serves all trials of a shape.

    Returns
    -------
    dict or None
        None when a trial spans several processes: such trials run alone, and their own speed is the measurement.

    Raises
    ------
    StudyError
        The measuring process failed; the message ends with what it said.
    """
    specs, folder = list(specs), Path(out) / "throughput"
    if any(spec.parallel.world_size > 1 for spec in specs):
        return None
    machine = {"machine": describe(), "torch": versions().get("torch")}
    files = {_key(spec, machine): spec for spec in specs}
    with file_lock(folder / ".lock"):
        missing = {key: spec for key, spec in files.items() if not (folder / f"{key}.json").exists()}
        if missing:
            measured = {record["hash"]: record for record in measure_steps(list(missing.values()))}
            for key, spec in missing.items():
                write_json(folder / f"{key}.json", measured[spec.hash] | machine)
    rates = {key: read_json(folder / f"{key}.json")["median"] for key in files}
    return {f"{spec.tags['size']}/{spec.tags['variant']}": rates[_key(spec, machine)] for spec in specs}


def speed_windows(specs: Iterable[TrialSpec], out: Path | str) -> dict[str, list[float]]:
    """Every window (tokens/s) behind `measure_throughput`, by ``size/variant``; what was not measured is left out."""
    machine, folder = {"machine": describe(), "torch": versions().get("torch")}, Path(out) / "throughput"
    files = {f"{spec.tags['size']}/{spec.tags['variant']}": folder / f"{_key(spec, machine)}.json" for spec in specs}
    return {name: read_json(file)["windows"] for name, file in files.items() if file.exists()}


def measure_staged_throughput(specs: Iterable[TrialSpec], out: Path | str) -> dict[str, float] | None:
    """As ``measure_throughput`` for runs in stages: each context length is measured, and weighted by its share of the run."""
    shares = {f"{spec.tags['size']}/{spec.tags['variant']}": (spec, _context_shares(spec)) for spec in specs}
    # One measurement a model and context: runs of any length, data and seed share it.
    pieces = {
        (spec.model, length): _at_context(spec, length) for spec, lengths in shares.values() for length in lengths
    }
    rates = measure_throughput(pieces.values(), out)
    if rates is None:
        return None
    return {
        name: 1 / sum(share / rates[f"{length}/{_shape(spec)}"] for length, share in lengths.items())
        for name, (spec, lengths) in shares.items()
    }


def staged_speed_windows(specs: Iterable[TrialSpec], out: Path | str) -> dict[str, list[float]]:
    """The windows behind `measure_staged_throughput`, by ``size/variant``: the first of each context together, and so on."""
    found = {}
    for spec in specs:
        shares = _context_shares(spec)
        pieces = speed_windows([_at_context(spec, length) for length in shares], out)
        if len(pieces) == len(shares):
            windows = zip(*(pieces[f"{length}/{_shape(spec)}"] for length in shares), strict=False)
            rates = [1 / sum(share / rate for share, rate in zip(shares.values(), one, strict=True)) for one in windows]
            found[f"{spec.tags['size']}/{spec.tags['variant']}"] = rates
    return found


def _shape(spec: TrialSpec) -> str:
    return f"{spec.model.num_layers}x{spec.model.hidden_size}"


def _context_shares(spec: TrialSpec) -> dict[int, float]:
    """Share of the run's tokens at each context length."""
    shares: dict[int, float] = {}
    lengths = [stage.seq_len or spec.model.seq_len for stage in spec.stages] or [spec.model.seq_len]
    for length, start, end in zip(lengths, (0, *spec.stage_ends[:-1]), spec.stage_ends, strict=True):
        shares[length] = shares.get(length, 0.0) + (end - start) / spec.train_steps
    return shares


def _at_context(spec: TrialSpec, length: int) -> TrialSpec:
    """The same step without stages at another context length: equal tokens, more sequences."""
    more = spec.model.seq_len // length
    changes = {"model.seq_len": length, "global_batch_size": spec.global_batch_size * more, "stages": (), "probes": ()}
    if spec.parallel.micro_batch_size not in (None, "auto"):
        changes["parallel.micro_batch_size"] = spec.parallel.micro_batch_size * more
    return spec.replace(**changes, tags={"size": length, "variant": _shape(spec)})


def _key(spec: TrialSpec, machine: dict) -> str:
    # What a step computes: nothing of text, seed or length matters.
    parts = spec.model_dump(mode="json", include={"model", "optimizer", "parallel", "compute", "global_batch_size"})
    del parts["optimizer"]["learning_rate"]
    return hash_of("step", {**parts, **machine})


def measure_steps(specs: list[TrialSpec], *, threads: int = 1) -> list[dict]:
    """Time whole training steps of specifications in a process of its own, one after another (``studylib.train.throughput``).

    By default as a trial runs: on a CPU each has one thread, and tiny models lose by more.

    Returns
    -------
    list of dict
        For each: ``hash``, ``median`` and ``windows`` (tokens/s), ``peak_memory_bytes``, ``loss``.

    Raises
    ------
    StudyError
        The measuring process failed; the message ends with what it said.
    """
    environment = child_environment(**({} if gpus() else thread_environment(threads) | memory_environment()))
    done = subprocess.run(
        [sys.executable, "-m", "studylib.train.throughput"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        input=json.dumps([spec.model_dump(mode="json") for spec in specs]),
    )
    if done.returncode:
        raise StudyError(f"measuring throughput failed: {' '.join(done.stderr.split()[-60:]) or 'it said nothing'}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
