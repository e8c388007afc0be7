"""One trial, from its specification to its result."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from studylib.data import PreparedData, TrainingRows, prepare, random_rows
from studylib.files import append_json_line, canonical_json, read_json_lines, write_json, write_text
from studylib.model.cost import own_flops, parameter_count, sampling_flops, training_flops
from studylib.model.gpt import build_gpt
from studylib.model.moe.load import imbalance, read_load, reset_load
from studylib.parallel import World, pipeline_engine, world
from studylib.spec import TrialSpec
from studylib.spec.record import record_of
from studylib.train import checkpoint
from studylib.train.allocator import keep_freed_memory
from studylib.train.branch import branch_off
from studylib.train.compute import Compute, resolve
from studylib.train.fit import fit_micro_batch
from studylib.train.kept import missing_checkpoints
from studylib.train.likelihoods import References, read_references
from studylib.train.memory import PeakMemory
from studylib.train.optimizer import build_optimizer, set_learning_rate
from studylib.train.passes import Passes
from studylib.train.pipeline import counted_in, sum_over_world
from studylib.train.probe import build_probes, measure_probes
from studylib.train.rollouts import Rollouts
from studylib.train.stage_rates import staged_rate_factor
from studylib.train.start import start_from_trial
from studylib.train.validation import Validation

TRIAL_RESULT_SCHEMA = 1
LOGGED_STEPS = 200


class Diverged(RuntimeError):
    """The loss or the gradient stopped being a finite number."""


def train(
    spec: TrialSpec, out: Path, *, data_folder: Path | None = None, on_metrics: Callable[[dict], None] | None = None
) -> dict[str, Any]:
    """Train one trial, or go on where its last checkpoint left it.

    Parameters
    ----------
    spec
        The trial.
    out
        Its folder: spec.json, metrics.jsonl and checkpoints/ appear there while it runs, result.json at the end.
    data_folder
        Where prepared token shards are kept; default ``out/data``.
    on_metrics
        Called with every record that goes to metrics.jsonl.

    Returns
    -------
    dict
        What result.json holds.

    Raises
    ------
    StudyError
        Bad input, found before the first step where it can be known.
    Diverged
        The loss or gradient norm is not finite.
    """
    out = Path(out)
    compute = resolve(spec)
    if compute.keep_memory:
        keep_freed_memory()
    data_folder = Path(data_folder) if data_folder else out / "data"
    prepared = prepare(spec.data, data_folder)
    references = read_references(spec, out.parent.parent, prepared)
    with world(spec.parallel, compute.torch_device) as processes:
        trial = _Trial(spec, out, compute, prepared, references, processes, on_metrics)
        if spec.start_from:  # also before a resume, whose checkpoints may all turn out to be damaged
            start_from_trial(trial.model, spec, out.parent, data_folder, prepared, processes)
        if trial.rows.objective.rows == "sampled":
            trial.rows = Rollouts(trial.rows, spec, trial.model, out.parent, data_folder, prepared, compute, processes)
        return trial.run()


class _Trial:
    def __init__(
        self, spec: TrialSpec, out: Path, compute: Compute, prepared: PreparedData, references: References | None,
        processes: World, on_metrics: Callable[[dict], None] | None,
    ):  # fmt: skip
        self.spec, self.out, self.compute, self.world = spec, out, compute, processes
        self.prepared, self.on_metrics = prepared, on_metrics
        self.memory = PeakMemory(processes.device)
        of_train = references and {label: sides["train"] for label, sides in references.items()}
        self.rows: TrainingRows | Rollouts = TrainingRows(prepared, spec, of_train)
        self.model = build_gpt(
            spec.model, processes, seed=spec.seed, execution=compute.execution,
            **self.rows.objective.built_for(),
        )  # fmt: skip
        self.optimizer = build_optimizer(self.model, spec, processes)
        engine = pipeline_engine(spec.parallel.pp_engine)
        self.micro_batch_size = fit_micro_batch(spec, self.model, processes, engine, compute, random_rows(spec), out)
        self.passes = Passes(self.model, processes, engine, compute, spec.optimizer.grad_clip)
        self.validation = Validation(spec, prepared, references)
        self.probes = build_probes(spec, prepared)
        self.log_every = max(1, spec.train_steps // LOGGED_STEPS)
        self.rates: list[float] = []
        self.waited = 0.0  # seconds for data, of the steps made by this process
        self.last: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        spec, folder = self.spec, self.out / "checkpoints"
        if self.world.is_main:
            write_text(self.out / "spec.json", spec.model_dump_json(indent=1) + "\n")
        missing = missing_checkpoints(spec, self.out)  # of a finished trial those that another one now needs
        start = checkpoint.load(
            folder, spec.recipe_hash, self.model, self.optimizer, self.world, before=min(missing, default=None)
        )
        if spec.branch_from and not start.step:
            start = branch_off(self.model, self.optimizer, spec, self.out.parent, self.world)
        self._keep_metrics_until(start.step)
        self.seconds = start.seconds
        with open(self.out / "metrics.jsonl", "ab") as self.metrics:
            for step in range(start.step, spec.train_steps):
                self._step(step)
                done = step + 1
                if done in spec.stage_ends or (spec.eval_every and done % spec.eval_every == 0):
                    self._validate(done)
                due = spec.checkpoint_every and (done % spec.checkpoint_every == 0 or done == spec.train_steps)
                if due or done in spec.keep_steps:
                    checkpoint.save(
                        folder, checkpoint.Progress(done, self.seconds), spec.recipe_hash, self.model, self.optimizer,
                        self.world, keep_steps=spec.keep_steps,
                    )  # fmt: skip
            if "val_loss" not in self.last:  # resumed after the last step
                self._validate(spec.train_steps)
        result = self._result()
        if self.world.is_main:
            write_json(self.out / "result.json", result)
        self.world.barrier()
        return result

    def _step(self, step: int) -> None:
        spec, world = self.spec, self.world
        began = time.perf_counter()
        # Whatever draws random numbers in a step is the same again when the step is repeated after a resume.
        # Tensor-parallel ranks must drop the same, replicas see other text and drop otherwise.
        # On a CPU its generator alone: torch.manual_seed asks every kind of device, at the price of several small operations.
        seed = torch.manual_seed if world.device.type == "cuda" else torch.default_generator.manual_seed
        seed((spec.seed * 1_000_003 + step) * 65_537 + world.dp_rank * world.pp + world.pp_rank)
        asked = time.perf_counter()
        batch = self.rows.batch(step)
        self.waited += time.perf_counter() - asked
        per_replica = len(batch) // world.dp
        # A stage with a shorter context has more rows; a micro batch keeps its number of tokens.
        micro_batch_size = self.micro_batch_size * len(batch) // spec.global_batch_size
        mine = batch.rows(world.dp_rank * per_replica, (world.dp_rank + 1) * per_replica)
        if spec.model.moe is not None:
            reset_load(self.model)
        loss, grad_norm = self.passes(mine, micro_batch_size, counted=counted_in(self.model, batch))
        learning_rate = spec.optimizer.learning_rate * staged_rate_factor(spec, step)
        set_learning_rate(self.optimizer, learning_rate)
        self.optimizer.step()
        self.optimizer.zero_grad()
        logged = (step + 1) % self.log_every == 0 or step + 1 == spec.train_steps
        # Reading a number from a GPU waits for it; on a CPU it is free, so divergence is seen at once.
        if logged or world.device.type == "cpu":
            self._check_finite(grad_norm.item(), "gradient norm", step)
        mean_loss = sum_over_world(world, loss) / world.dp if logged else None
        experts = {"expert_imbalance": self._imbalance()} if logged and spec.model.moe is not None else {}
        elapsed = time.perf_counter() - began
        self.seconds += elapsed
        self.rates.append(spec.tokens_per_step / elapsed)
        if logged:
            self._check_finite(mean_loss, "loss", step)
            recent = statistics.median(self.rates[-self.log_every :])
            measured = {"loss": mean_loss, "learning_rate": learning_rate, "grad_norm": grad_norm.item()}
            self._record(step + 1, **measured, **self.rows.measured(), tokens_per_s=recent, **experts)

    def _imbalance(self) -> list[float]:
        """Of this step's tokens, a number a layer with experts (see ``imbalance``)."""
        return imbalance(read_load(self.model, self.world)).tolist()

    def _check_finite(self, value: float, name: str, step: int) -> None:
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at step {step + 1} of {self.spec.train_steps}")

    def _validate(self, step: int) -> None:
        measured = self.validation.measure(self.model, self.world, self.compute)
        self._check_finite(measured["val_loss"], "validation loss", step - 1)
        if self.probes and step == self.spec.train_steps:
            measured["probes"] = measure_probes(self.probes, self.model, self.world, self.compute)
        self._record(step, **measured)

    def _record(self, step: int, **values: Any) -> None:
        record = {"step": step, "tokens": step * self.spec.tokens_per_step, "seconds": round(self.seconds, 4), **values}
        self.last |= record
        if self.world.is_main:
            append_json_line(self.metrics, record)
            if self.on_metrics is not None:
                self.on_metrics(record)

    def _keep_metrics_until(self, step: int) -> None:
        """After a resume, drop records of steps that will be made again."""
        if self.world.is_main:
            kept = [record for record in read_json_lines(self.out / "metrics.jsonl") if record["step"] <= step]
            self.last = {key: value for record in kept for key, value in record.items()} if kept else {}
            if not any("val_loss" in record and record["step"] == step for record in kept):
                self.last.pop("val_loss", None)
            write_text(self.out / "metrics.jsonl", "".join(canonical_json(record) + "\n" for record in kept))
        self.world.barrier()

    def _result(self) -> dict[str, Any]:
        spec, parameters = self.spec, parameter_count(self.spec.model)
        more = {"probes": self.last["probes"]} if self.probes else {}
        # How much of the rows is text, and how much is predicted; without options of its own all of it is.
        if "objective" in spec.model_dump():
            more["objective"] = self.rows.shares()
        if "policy" in self.last:
            more["policy"] = self.last["policy"] | {"sampling_flops": sampling_flops(spec)}
        if spec.branch_from:
            more["own"] = {"tokens": spec.own_tokens, "flops": own_flops(spec)}
        return (
            record_of(spec, self.seconds)
            | more
            | {
                "schema": TRIAL_RESULT_SCHEMA,
                "val_loss": self.last["val_loss"],
                "val_bpb": self.last["val_bpb"],
                "val": self.last["val"],
                "train_loss": self.last["loss"],
                "steps": spec.train_steps,
                "tokens": spec.train_tokens,
                "params": parameters.total,
                "non_embedding_params": parameters.non_embedding,
                "active_params": parameters.active,
                "flops": training_flops(spec),
                # the first steps warm up caches, allocators and compilers
                "tokens_per_s": statistics.median(
                    self.rates[min(3, len(self.rates) // 2) :] or [self.last["tokens_per_s"]]
                ),
                "data_wait_share": self.waited / sum(spec.tokens_per_step / rate for rate in self.rates)
                if self.rates
                else None,
                "peak_memory_bytes": self.memory.peak(),
                "resolved": self.compute.as_dict()
                | {
                    "world_size": self.world.size,
                    "micro_batch_size": self.micro_batch_size,
                    "recorded": self.passes.recorded,
                },
                "data": self.prepared.manifest.get("sources", {}),
            }
        )
