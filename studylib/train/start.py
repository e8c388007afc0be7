"""Start values from another trial's checkpoint, also when the vocabulary has grown since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from studylib.choices.execution import Execution
from studylib.data import PreparedData, Tokenizer, prepare
from studylib.errors import StudyError, invalid
from studylib.files import read_json
from studylib.model.gpt import GPT, build_gpt
from studylib.model.initialise import is_by_token
from studylib.model.shards import place_shard, whole_tensor
from studylib.parallel import World, load_model_weights
from studylib.registry import OBJECTIVES
from studylib.spec import TrialSpec, validated
from studylib.train.checkpoint import newest_usable
from studylib.train.kept import checkpoints


@torch.no_grad()
def start_from_trial(
    model: GPT, spec: TrialSpec, trials: Path, data_folder: Path, prepared: PreparedData, world: World
) -> None:
    """Fill ``model`` with the weights of ``trials/<spec.start_from>``; all ranks call it.

    An objective that is held against that trial (``Objective.refers``) begins as exactly that model. Else, pieces that the other
    trial's tokenizer did not have start from the mean of the embeddings (and of the output rows) of
    the old pieces that made up their text, or stay as drawn (``spec.new_embeddings``). Optimizer state starts anew.

    Raises
    ------
    StudyError
        The other trial is not there, kept no checkpoint, has another shape, or its token ids mean other pieces.
    """
    is_reference = OBJECTIVES[spec.objective.name](spec.objective).refers
    precision = Execution(weights=str(next(model.parameters()).dtype).removeprefix("torch."))
    parent, old = trained_model(trials, spec.start_from, world, field="start_from", execution=precision)
    free = {"seq_len": spec.model.seq_len, "dropout": spec.model.dropout}
    if not is_reference:
        free["vocab_size"] = spec.model.vocab_size
    if parent.model.replace(**free) != spec.model:
        raise invalid("model", spec.start_from, "has another shape or other choices than the trial it starts from")
    before = Tokenizer.load(prepare(parent.data, data_folder).tokenizer_file)
    parts = _parts(before, Tokenizer.load(prepared.tokenizer_file), spec)
    marks = _shared_marks(parent, spec)
    theirs, tp_pg = dict(old.get_named_params_with_correct_tied()), world.context.tp_pg
    for name, parameter in model.get_named_params_with_correct_tied():
        if not is_by_token(name, parameter):
            # a table of learned positions may be longer or shorter than the other trial's
            shared = min(len(parameter), len(theirs[name]))
            parameter[:shared] = theirs[name][:shared]
            continue
        if is_reference:
            parameter.copy_(theirs[name])
            continue
        drawn, known = whole_tensor(parameter, parameter, tp_pg), whole_tensor(theirs[name], theirs[name], tp_pg)
        drawn[: before.vocab_size] = known[: before.vocab_size]
        if marks:  # mode tokens and sentinels mean the same, wherever the two vocabularies end
            theirs_first, first = parent.data.vocab_size, spec.data.vocab_size
            drawn[first : first + marks] = known[theirs_first : theirs_first + marks]
        if spec.new_embeddings == "mean":
            for token, tokens in parts.items():
                drawn[token] = known[tokens.tolist()].mean(dim=0)
        place_shard(parameter, parameter, drawn)


def trained_model(trials: Path, name: str, world: World, *, field: str, execution: Execution) -> tuple[TrialSpec, GPT]:
    """The trial ``trials/<name>`` and its model as its last checkpoint has it, frozen; all ranks call it.

    Raises
    ------
    StudyError
        It is not there or kept no usable checkpoint; ``field`` is what names it.
    """
    folder = trials / name
    if not (folder / "spec.json").is_file():
        raise invalid(field, name, f"is not a trial of this study ({trials} has none such)")
    trial = validated(TrialSpec, read_json(folder / "spec.json"), file=folder / "spec.json")
    if world.is_main:
        newest_usable(folder / "checkpoints", trial.recipe_hash)  # sets damaged ones aside
    world.barrier()
    found = checkpoints(folder / "checkpoints")
    if not found:
        raise invalid(field, name, "kept no usable checkpoint; train it with checkpoint_every above 0")
    model = build_gpt(trial.model, world, seed=trial.seed, execution=execution)
    load_model_weights(model, world, found[-1])
    return trial, model.eval().requires_grad_(False)


def _shared_marks(parent: TrialSpec, spec: TrialSpec) -> int:
    """How many tokens beyond the tokenizers' both trials' objective knows; 0 when they have different ones."""
    if parent.objective.name != spec.objective.name:
        return 0
    return min(OBJECTIVES[one.objective.name](one.objective).extra_tokens(one.model.seq_len) for one in (parent, spec))


def _parts(before: Tokenizer, after: Tokenizer, spec: TrialSpec) -> dict[int, np.ndarray]:
    """For each new token id, the old ids of its text."""
    if after.pieces[: before.vocab_size] != before.pieces:
        raise StudyError(
            f"data.tokenizer_of: token ids mean other pieces than in trial {spec.start_from}, which this one starts from; "
            "give the data of that trial"
        )
    new = range(before.vocab_size, after.vocab_size)
    return dict(zip(new, before.encode_batch([after.decode([token]) for token in new]), strict=True))
