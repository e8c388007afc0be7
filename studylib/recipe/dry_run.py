"""Every rank of a layout built as the engine builds it, without a GPU: what each holds against the card's memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import polars as pl

from studylib.environment import child_environment, cores, thread_environment
from studylib.errors import StudyError
from studylib.frozen import Frozen
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.memory import memory_bytes
from studylib.model.stages import pipeline_stages, stage_flops
from studylib.recipe.cards import Card
from studylib.recipe.cost import StepCost
from studylib.recipe.rank_memory import Held, on_gpu, rank_memory, usable_bytes
from studylib.spec import TrialSpec

_A_PROCESS = 16  # ranks that take as long to build as a process takes to start


def dry_run(trial: TrialSpec, card: Card, *, workers: int | None = None) -> pl.DataFrame:
    """`dry_runs` of one trial."""
    return dry_runs([trial], card, workers=workers)[0]


def dry_runs(trials: Sequence[TrialSpec], card: Card, *, workers: int | None = None) -> list[pl.DataFrame]:
    """For each trial a row a rank of all dp * tp * pp, built on the meta device in child processes (``workers``; none: by cores and ranks).

    Columns: rank; dp, tp, pp (its places); layers, first_layer (null where there is none), embedding, head; parameters (of this
    rank), counted (copies that other ranks of the replica keep shared out: they add up to the model's); weights_bytes, copies_bytes
    (bf16, under autocast), gradients_bytes, optimizer_bytes, activations_bytes, logits_bytes, total_bytes (the peak; recomputed,
    logits and the last layers' activations are not there at once), usable_bytes, card_bytes, fits; flops_share (the stage's of the model's).

    Raises
    ------
    StudyError
        A rank could not be built, or what was built is not what was counted.
    """
    trials = [on_gpu(trial) for trial in trials]
    ranks = sum(trial.parallel.world_size for trial in trials)
    built = built_ranks(trials, workers or min(cores(), -(-ranks // _A_PROCESS)))
    return [_table(trial, rows, card) for trial, rows in zip(trials, built, strict=True)]


def _table(trial: TrialSpec, rows: list[dict], card: Card) -> pl.DataFrame:
    _check(trial, rows)
    stages, whole = pipeline_stages(trial.model, trial.parallel.pp), flops_per_token(trial.model)
    shares = [stage_flops(trial.model, stage) / whole for stage in stages]
    made: dict[tuple, dict[str, float]] = {}  # most ranks are alike
    for row in rows:
        kind = row["pp"], row["parameters"], row["state"]
        if kind not in made:
            held = Held(parameters=row["parameters"], state=row["state"])
            made[kind] = rank_memory(trial, stages[row["pp"]], held).model_dump(exclude={"weights"})
        row |= {f"{name}_bytes": value for name, value in made[kind].items()}
        row |= {
            "usable_bytes": usable_bytes(card), "card_bytes": card.memory_bytes,
            "fits": row["total_bytes"] <= usable_bytes(card), "flops_share": shares[row["pp"]],
            "first_layer": min(row["layers"], default=None), "layers": len(row["layers"]),
        }  # fmt: skip
    columns = (
        "rank", "dp", "tp", "pp", "layers", "first_layer", "embedding", "head", "parameters", "counted", "weights_bytes", "copies_bytes",
        "gradients_bytes", "optimizer_bytes", "activations_bytes", "logits_bytes", "total_bytes", "usable_bytes", "card_bytes", "fits",
        "flops_share",
    )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None).select(columns).sort("rank")


def built_ranks(trials: Sequence[TrialSpec], workers: int) -> list[list[dict]]:
    """For each trial the `BuiltRank`s of all its ranks, as dictionaries, from ``workers`` processes side by side."""
    environment = child_environment(**thread_environment(1), CUDA_VISIBLE_DEVICES="")
    command = [sys.executable, "-m", "studylib.recipe.built_ranks"]
    specs = [trial.model_dump(mode="json") for trial in trials]
    ranks = [range(trial.parallel.world_size) for trial in trials]
    found: list[list[dict]] = [[] for _ in trials]
    with contextlib.ExitStack() as stack:
        running = []
        for place in range(workers):
            asked, said, errors = (stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3))
            own = [list(all_ranks[place::workers]) for all_ranks in ranks]
            json.dump([{"trial": spec, "ranks": some} for spec, some in zip(specs, own, strict=True)], asked)
            asked.seek(0)
            process = subprocess.Popen(command, env=environment, stdin=asked, stdout=said, stderr=errors)
            stack.callback(_end, process)
            running.append((process, said, errors))
        for process, said, errors in running:
            if process.wait():
                errors.seek(0)
                last = [f"exit status {process.returncode}", *errors.read().split("\n")]
                raise StudyError(
                    f"dry run: a rank could not be built: {next(line for line in reversed(last) if line.strip())}"
                )
            said.seek(0)
            for row in map(json.loads, said):
                found[row.pop("asked")].append(row)
    return found


def _end(process: subprocess.Popen) -> None:
    """Of one that another's failure, or a stop, left running."""
    if process.poll() is None:
        process.kill()
        process.wait()


def _check(trial: TrialSpec, rows: Sequence[dict]) -> None:
    """Raise a StudyError where what was built is not what is counted without building it."""
    found, ranks = sorted(row["rank"] for row in rows), list(range(trial.parallel.world_size))
    if found != ranks:
        raise StudyError(f"dry run: {len(found)} ranks were built of {len(ranks)}")
    count = parameter_count(trial.model).total
    for replica in range(trial.parallel.dp):
        built = sum(row["counted"] for row in rows if row["dp"] == replica)
        if round(built) != count:
            raise StudyError(f"dry run: replica {replica} has {built:,.0f} parameters, but {count:,} are counted")
    for row in rows:
        stage = pipeline_stages(trial.model, trial.parallel.pp)[row["pp"]]
        if (row["layers"], row["embedding"], row["head"]) != (list(stage.of_layers), stage.embedding, stage.head):
            raise StudyError(
                f"dry run: rank {row['rank']} has layers {row['layers']}, counted were {list(stage.of_layers)}"
            )


class RanksSummary(Frozen):
    """What a recipe says of all ranks together.

    Attributes
    ----------
    parameters
        Of one model, copies counted once.
    lightest_bytes, heaviest_bytes
        Of ranks, at their peak; ``heaviest_stage`` is where the latter are.
    mean_bytes
        What ``studylib.model.memory`` says, which is a mean over stages: less than the heaviest where there are several.
    balance
        FLOPs of the mean pipeline stage over those of the busiest.
    """

    ranks: int
    parameters: int
    lightest_bytes: float
    heaviest_bytes: float
    heaviest_stage: int
    mean_bytes: float
    usable_bytes: float
    card_bytes: float
    fits: bool
    balance: float
    bubble_share: float
    tensor_bytes: float
    pipeline_bytes: float
    data_bytes: float


def summary(ranks: pl.DataFrame, trial: TrialSpec, cost: StepCost) -> RanksSummary:
    """Of `dry_run`'s ``ranks`` of ``trial`` and what `step_cost` says of it."""
    heaviest = ranks.sort("total_bytes", descending=True).row(0, named=True)
    shares = ranks.unique("pp")["flops_share"]
    return RanksSummary(
        ranks=len(ranks), parameters=round(ranks.filter(pl.col("dp") == 0)["counted"].sum()),
        lightest_bytes=ranks["total_bytes"].min(), heaviest_bytes=heaviest["total_bytes"], heaviest_stage=heaviest["pp"],
        mean_bytes=memory_bytes(on_gpu(trial)), usable_bytes=heaviest["usable_bytes"], card_bytes=heaviest["card_bytes"],
        fits=ranks["fits"].all(), balance=shares.mean() / shares.max(), bubble_share=cost.bubble_share,
        tensor_bytes=cost.volume.tensor, pipeline_bytes=cost.volume.pipeline, data_bytes=cost.volume.data,
    )  # fmt: skip
