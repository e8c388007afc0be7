"""The lines of a recipe as trials: the pre-training, and the tunings that go on from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from studylib.errors import StudyError
from studylib.numbers import short
from studylib.recipe.line import Line
from studylib.recipe.options import RecipeOptions
from studylib.recipe.shape import FIELDS as SHAPE
from studylib.recipe.text import CONVERSATION_ROWS, CONVERSATION_TOKENS, CONVERSATIONS, PAIR_ROWS, PAIRS, sources
from studylib.spec import CleanerSpec, SourceSpec, TrialSpec
from studylib.spec.setting import Phase
from studylib.words import Text, Words

_TEXT = ("data.sources", "data.sources.cleaning")  # are made here: a cleaning is one of the Japanese web alone
_VALIDATED = 1e-4  # of the text: 20M tokens of 200B
_EVAL_TOKENS = 4_194_304
_EVAL_EVERY, _CHECKPOINT_EVERY = 1000, 500

_NEEDED = (*SHAPE, "model.vocab_size", "data.tokenizer.vocab_size")

_CANNOT = Words(
    en="the study's own value does not fit the rest: {{ why }}", ja="本研究の値はほかの設定と両立しない:{{ why }}"
)


def fitting(lines: Sequence[Line], options: RecipeOptions) -> tuple[tuple[Line, ...], TrialSpec]:
    """The pre-training, and the lines it has: an own choice that a trial cannot have beside the others gives way, and says so.

    So do those of the tunings.

    Raises
    ------
    StudyError
        What is published does not make a trial either.
    """
    kept = _fitted(tuple(lines), ("pre-training",), lambda tried: pretraining_trial(tried, options))
    trial = pretraining_trial(kept, options)
    return _fitted(kept, ("fine-tuning", "preferences"), lambda tried: tunings(tried, trial)), trial


def _fitted(
    lines: tuple[Line, ...], phases: tuple[Phase, ...], build: Callable[[Sequence[Line]], object]
) -> tuple[Line, ...]:
    try:
        build(lines)
    except StudyError:
        pass
    else:
        return lines
    own = [one for one in lines if one.phase in phases and _own(one)]
    kept = [one for one in lines if one not in own]
    build(kept)
    for choice in dict.fromkeys((one.phase, one.idea, one.choice or one.field) for one in own):
        group = [one for one in own if (one.phase, one.idea, one.choice or one.field) == choice]
        try:
            build([*kept, *group])
        except StudyError as error:
            group = [_gives_way(one, _CANNOT(why=str(error))) for one in group]
        kept += group
    order = {one.key: place for place, one in enumerate(lines)}
    return tuple(sorted(kept, key=lambda one: order[one.key]))


def _own(line: Line) -> bool:
    """Whether a value of the study's own stands that could be left out. Shape and vocabulary could not, and were made to fit."""
    stands = bool(line.idea) and line.value is not None and line.value == line.own_value
    return stands and line.field not in _NEEDED and line.value != line.published_value


def _gives_way(line: Line, why: Text) -> Line:
    """With what is published, if anything is."""
    nothing: dict[str, Any] = {"decided": False, "p_best": None, "regret_percent": None}
    evidence = line.evidence if line.published_value is None else "published"
    return line.replace(value=line.published_value, evidence=evidence, conflict=why, **nothing)


def pretraining_trial(lines: Iterable[Line], options: RecipeOptions) -> TrialSpec:
    """The run, on one process: a layout comes later (`LayoutCost.applied`).

    Raises
    ------
    StudyError
        The specification does not allow a value.
    """
    values = {one.field: one.value for one in lines if one.phase == "pre-training" and one.value is not None}
    cleaning = tuple(
        one if isinstance(one, CleanerSpec) else CleanerSpec(cleaner=one) for one in values.pop(_TEXT[1], ())
    )
    values.pop(_TEXT[0], None)
    batch = values.pop("global_batch_size", None) or round(options.batch_tokens / options.seq_len)
    batch = _shared(int(batch), options)
    steps = math.ceil(options.tokens / (batch * options.seq_len))
    shape = {
        name: values.pop(f"model.{name}")
        for name in ("num_layers", "hidden_size", "num_heads", "vocab_size")
    }  # fmt: skip
    trial = TrialSpec(
        model=shape,
        data={
            "sources": sources(options.tokens, cleaning),
            "tokenizer": {"vocab_size": values.pop("data.tokenizer.vocab_size", shape["vocab_size"])},
            "validation_fraction": _VALIDATED,
        },
        compute={"device": "cuda", "dtype": "bfloat16"},
        global_batch_size=batch,
        train_steps=steps,
        eval_every=min(_EVAL_EVERY, steps),
        eval_tokens=_EVAL_TOKENS,
        checkpoint_every=min(_CHECKPOINT_EVERY, steps),
        keep_steps=(steps,),
        tags={"variant": "recipe", "size": short(options.target_params)},
    )
    return trial.replace(**values)


def _shared(batch: int, options: RecipeOptions) -> int:
    """The nearest batch that replicas can share, however many there are: a multiple of the GPUs, or a power of two below."""
    if batch >= options.gpus:
        return round(batch / options.gpus) * options.gpus
    return 2 ** round(math.log2(batch))


def tunings(lines: Iterable[Line], pretraining: TrialSpec) -> dict[Phase, TrialSpec]:
    """What goes on from the pre-trained model: answers, then preferences; each starts from the one before.

    They have its layout, with as many replicas as share their smaller batch.

    Raises
    ------
    StudyError
        The specification does not allow a value.
    """
    found: dict[Phase, TrialSpec] = {}
    start, given = pretraining, tuple(lines)
    for phase, text in (("fine-tuning", CONVERSATIONS), ("preferences", PAIRS)):
        values = {one.field: one.value for one in given if one.phase == phase and one.value is not None}
        values.pop("data.sources", None)
        start = _tuning(start, pretraining, phase, text, values)
        found[phase] = start
    return found


def _tuning(
    start: TrialSpec, pretraining: TrialSpec, phase: Phase, text: tuple[SourceSpec, ...], values: dict[str, Any]
) -> TrialSpec:
    batch, epochs = int(values.pop("global_batch_size", 64)), int(values.get("epochs", 1))
    stages = values.get("stages", ())
    if stages and not {label for one in stages for label in one.mixture} <= {one.label for one in text}:
        values.pop("stages")  # a mixture of kinds that the study generated: other text has other kinds
    objective = {
        key.removeprefix("objective."): values.pop(key) for key in list(values) if key.startswith("objective.")
    }
    together = 2 if objective.get("name") in _IN_PAIRS else 1
    if objective.get("name") == "answers" and pretraining.model.joining_mixers:
        objective.setdefault("most_in_row", 1)
    if together == 2:
        rows = PAIR_ROWS
    elif objective.get("most_in_row") == 1:
        rows = CONVERSATION_ROWS
    else:
        rows = CONVERSATION_TOKENS / pretraining.model.seq_len
    steps = max(2, math.ceil(epochs * rows / batch))
    replicas = math.gcd(pretraining.parallel.dp, max(batch // together, 1))
    tuned = pretraining.replace(
        data={"sources": text, "tokenizer_of": pretraining.data},
        stages=(), epochs=1, objective=objective, start_from=start.hash,
        global_batch_size=batch, train_steps=steps, eval_every=0, checkpoint_every=steps, keep_steps=(steps,),
        eval_tokens=min(_EVAL_TOKENS, batch * pretraining.model.seq_len),
        parallel=pretraining.parallel.replace(dp=replicas, micro_batch_size=together),
        optimizer=pretraining.optimizer.replace(learning_rate=pretraining.optimizer.learning_rate),
        schedule={"name": "cosine"},
        tags=pretraining.tags | {"variant": phase},
    )  # fmt: skip
    return tuned.replace(**values)


_IN_PAIRS = ("preference", "reward")
