"""How likely answers to choose from are under a trained model: the reference of preferences, kept as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studylib.data import PreparedData, Tokenizer, prepare
from studylib.data.chat.pairs import PairRows
from studylib.data.split import SIDES
from studylib.errors import StudyError, invalid
from studylib.files import atomic_write, file_hash, read_json
from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.rows import PAD, Batch, alike_in_length
from studylib.spec import LikelihoodSpec, TrialSpec, validated
from studylib.spec.record import LikelihoodRecord
from studylib.train.compute import Compute
from studylib.train.trained import load_trained
from studylib.train.validation import EVALUATION_TOKENS

MARKER = "result.json"
References = dict[str, dict[str, np.ndarray]]
"""By source and side (train, validation): log-probability of each answer and its end, nats, float64 [2 * pairs]."""


def write_likelihoods(
    step: LikelihoodSpec, study: Path, folder: Path, *, say: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Write a ``.npy`` for each side of each source of pairs into ``folder``; pairs that ``seq_len`` does not hold are NaN.

    In fp32 whatever the trial trains in (fp64 for one in double precision), so that it is the same wherever bf16 is not.

    Returns
    -------
    dict
        ``files``, each with its hash, and ``pairs`` that are there, by source and side.

    Raises
    ------
    StudyError
        The trial kept no checkpoint, has another tokenizer or a shorter context; or no source holds pairs.
    """
    prepared = prepare(step.data, study / "data")
    labels = [label for label, sides in prepared.sources.items() if sides.train.has_pairs]
    if not labels:
        raise invalid("data.sources", ", ".join(prepared.sources), "hold no pairs of answers to choose from")
    trained = load_trained(_in_full_precision(step.trial), study / step.trial.name, study / "data")
    if Tokenizer.load(prepared.tokenizer_file).pieces != trained.tokenizer.pieces:
        raise invalid(
            "data.tokenizer_of", step.data.hash, f"token ids mean other pieces than in trial {step.trial.hash}"
        )
    if step.seq_len > trained.seq_len:
        raise invalid("seq_len", step.seq_len, f"is more than the {trained.seq_len} of trial {step.trial.hash}")
    files, pairs = {}, {}
    for label in labels:
        pairs[label] = {}
        for side in SIDES:
            shard = getattr(prepared.shards(label), side)
            rows = PairRows(shard, step.seq_len, PAD)
            say(f"asking of {len(rows)} pairs: {label}, {side}")
            found = np.full((shard.num_documents // 2, 2), np.nan)
            # Most are much shorter than the context.
            for chosen, longest in alike_in_length(rows.lengths, EVALUATION_TOKENS // 2):
                batch = rows.batch(chosen.tolist()).cut(longest)
                said = log_probabilities(trained.model, trained.world, trained.compute, batch)
                found[rows.numbers[chosen]] = said.reshape(-1, 2)
            file = _file(prepared, folder, label, side)
            with atomic_write(file) as stream:
                np.save(stream, found.reshape(-1))
            files[file.name], pairs[label][side] = file_hash(file), len(rows)
    return {"files": files, "pairs": pairs}


@torch.no_grad()
def log_probabilities(model: GPT, world: World, compute: Compute, batch: Batch, temperature: float = 1.0) -> np.ndarray:
    """Of each row's labels, in nats, where logits are divided by ``temperature``: float64 [rows].

    ``model`` is in evaluation mode, on one pipeline stage; all tensor-parallel ranks call it with the same rows.
    """
    found, at_once = [], max(1, EVALUATION_TOKENS // batch.tokens_BT.shape[1])
    for start in range(0, len(batch), at_once):
        part = batch.rows(start, start + at_once)
        ids, labels = (torch.from_numpy(one).to(world.device) for one in (part.tokens_BT[:, :-1], part.labels_BT))
        with compute.autocast():
            states = model.model.hidden_states(ids)
            found.append(model.model.lm_head.pp_block.log_probabilities(states, labels, temperature))
    return torch.cat(found).cpu().numpy()


def read_references(spec: TrialSpec, study: Path, prepared: PreparedData) -> References | None:
    """What the step that ``spec`` reads has left in the study's folder; None for an objective that reads none.

    Raises
    ------
    StudyError
        It was not carried out, or a file is damaged.
    """
    if not spec.likelihoods:
        return None
    folder = study / spec.likelihoods
    try:
        record = validated(LikelihoodRecord, read_json(folder / MARKER), file=folder / MARKER)
    except FileNotFoundError:
        why = f"has not said yet how likely it finds the answers: {folder} is not there; carry out likelihood_of(trial, parent) first"
        raise invalid("start_from", spec.start_from, why) from None
    references: References = {}
    for label in record.pairs:
        for side in SIDES:
            file = _file(prepared, folder, label, side)
            if not file.is_file() or file_hash(file) != record.files.get(file.name):
                raise StudyError(f"{file}: is missing or damaged; remove {folder} and carry the step out again")
            references.setdefault(label, {})[side] = np.load(file)
    return references


def _file(prepared: PreparedData, folder: Path, label: str, side: str) -> Path:
    return folder / f"{prepared.manifest['sources'][label]['stem']}.{side}.npy"


def _in_full_precision(trial: TrialSpec) -> TrialSpec:
    return trial if trial.compute.dtype == "float64" else trial.replace(**{"compute.dtype": "float32"})
