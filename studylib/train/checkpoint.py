"""Checkpoints that a kill cannot damage, and that say so when something else did.

A checkpoint is written under a temporary name, every file synced and hashed into ``manifest.json``, and the
folder renamed last. Weights are in nanotron's safetensors layout; nothing is pickled. Loading verifies the
hashes; a damaged checkpoint is set aside and the one before it is used.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from studylib.errors import StudyError
from studylib.files import file_hash, read_json, sync_path, write_json
from studylib.model.gpt import GPT
from studylib.parallel import World, load_model_weights, save_model_weights
from studylib.train.kept import checkpoint_folder, checkpoints, finished_steps
from studylib.train.optimizer_state import Optimizer, load_optimizer_state, save_optimizer_state

KEEP = 2


@dataclass(frozen=True)
class Progress:
    """What a checkpoint knows besides tensors: finished steps and the training seconds they took."""

    step: int = 0
    seconds: float = 0.0


def save(
    folder: Path, progress: Progress, recipe_hash: str, model: GPT, optimizer: Optimizer, world: World,
    *, keep_steps: Sequence[int] = (),
) -> Path:  # fmt: skip
    """Write ``folder/step-N``; all ranks call it. Keeps ``keep_steps`` and the newest of the others, removes older ones.

    Raises
    ------
    StudyError
        The disk is full or cannot be written; earlier checkpoints are untouched.
    """
    final = checkpoint_folder(folder.parent, progress.step)
    partial = folder / f".{final.name}.partial"
    try:
        if world.is_main:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        world.barrier()
        save_model_weights(model, world, partial)
        save_optimizer_state(optimizer, world, partial)
        world.barrier()
        if world.is_main:
            _seal(partial, progress, recipe_hash, world)
            if final.exists():
                shutil.rmtree(final)
            partial.rename(final)
            sync_path(folder)
            passing = [path for path in checkpoints(folder) if finished_steps(path) not in keep_steps]
            for old in passing[:-KEEP]:
                shutil.rmtree(old)
    except (OSError, SafetensorError) as error:
        if world.is_main:
            shutil.rmtree(partial, ignore_errors=True)
        raise StudyError(
            f"{final}: cannot write the checkpoint: {error}; free some space and run again to resume"
        ) from error
    world.barrier()
    return final


def _seal(partial: Path, progress: Progress, recipe_hash: str, world: World) -> None:
    files = {}
    for path in sorted(path for path in partial.rglob("*") if path.is_file()):
        files[str(path.relative_to(partial))] = {"bytes": path.stat().st_size, "blake2b": file_hash(path)}
        sync_path(path)
    for path in partial.rglob("*"):
        if path.is_dir():
            sync_path(path)
    topology = {"dp": world.dp, "tp": world.tp, "pp": world.pp}
    about = {
        "step": progress.step,
        "seconds": progress.seconds,
        "recipe": recipe_hash,
        "topology": topology,
        "files": files,
    }
    write_json(partial / "manifest.json", about)


def problem_with(checkpoint: Path, recipe_hash: str) -> str | None:
    """Why a checkpoint cannot be used, or None."""
    try:
        about = read_json(checkpoint / "manifest.json")
        if about["recipe"] != recipe_hash:
            return f"is of another trial ({about['recipe']}, not {recipe_hash})"
        for name, expected in about["files"].items():
            path = checkpoint / name
            if path.stat().st_size != expected["bytes"] or file_hash(path) != expected["blake2b"]:
                return f"{name} is damaged"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its manifest or a file cannot be read ({error})"
    return None


def newest_usable(folder: Path, recipe_hash: str, *, before: int | None = None) -> Path | None:
    """The newest checkpoint that verifies, of those after fewer than ``before`` steps.

    Damaged ones are renamed to ``*.damaged`` with a warning.
    """
    for checkpoint in reversed(_checkpoints_before(folder, before)):
        problem = problem_with(checkpoint, recipe_hash)
        if problem is None:
            return checkpoint
        aside = checkpoint.with_name(f"{checkpoint.name}.damaged")
        warnings.warn(f"{checkpoint}: {problem}; set aside as {aside.name}, using the one before", stacklevel=2)
        shutil.rmtree(aside, ignore_errors=True)
        checkpoint.rename(aside)
    return None


def _checkpoints_before(folder: Path, step: int | None) -> list[Path]:
    return [one for one in checkpoints(folder) if step is None or finished_steps(one) < step]


def load(
    folder: Path, recipe_hash: str, model: GPT, optimizer: Optimizer, world: World, *, before: int | None = None
) -> Progress:
    """Resume from the newest usable checkpoint under ``folder``, of those after fewer than ``before`` steps.

    ``Progress()`` when there is none.
    """
    if world.is_main:
        newest_usable(folder, recipe_hash, before=before)
    world.barrier()
    found = _checkpoints_before(folder, before)
    if not found:
        return Progress()
    return load_one(found[-1], model, optimizer, world)


def load_one(checkpoint: Path, model: GPT, optimizer: Optimizer, world: World) -> Progress:
    """Take over one checkpoint's weights and optimizer state."""
    load_model_weights(model, world, checkpoint)
    load_optimizer_state(optimizer, checkpoint)
    about = read_json(checkpoint / "manifest.json")
    return Progress(step=about["step"], seconds=about["seconds"])
