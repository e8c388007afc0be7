"""The trials of idea 3: vocabularies at equal FLOPs and equal text, samples, other tokenizers, and fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studylib.ideas._shared.lengths import other_lengths
from studylib.ideas._training import at_each_size
from studylib.ideas.tokenizer.schema import REFERENCE, TokenizerParams, sample_label
from studylib.model.cost import flops_per_token
from studylib.numbers import short
from studylib.spec import DataSpec, Step, TokenizerMeasure, TrialSpec
from studylib.trials.speeds import speed_steps


def vocab_label(vocab_size: int) -> str:
    return f"{vocab_size} pieces"


def tokenizers(params: TokenizerParams) -> dict[str, DataSpec]:
    """The tokenizer of every variant, by its name in the tables: vocabulary sizes, samples, and other choices."""
    by_size = {vocab_label(size): params.data_with(vocab_size=size) for size in sorted(params.vocab_sizes)}
    samples = {sample_label(size): params.data_with(sample_bytes=size) for size in sorted(params.samples)}
    others = {name: params.data_with(**changes) for name, changes in params.variants.items()}
    return by_size | samples | others


def plan(params: TokenizerParams) -> list[Step]:
    """`trials`, the data and the measurement of every tokenizer, and how fast a model of each vocabulary is trained."""
    specs, data = trials(params), [*tokenizers(params).values(), *params.fine_tuning_data.values()]
    return [*specs, *data, *measures(params).values(), *speed_steps(race(specs))]


def measures(params: TokenizerParams) -> dict[str, TokenizerMeasure]:
    """The measurement of every variant's tokenizer, by the variant's name in the tables."""
    others = tuple(params.fine_tuning_data.values())
    return {name: TokenizerMeasure(data=data, others=others) for name, data in tokenizers(params).items()}


def race(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """The vocabularies that race each other."""
    return [spec for spec in specs if spec.tags["family"] == "vocabulary"]


def trials(params: TokenizerParams) -> list[TrialSpec]:
    """What can be planned before a tokenizer is trained: everything at equal FLOPs, and fine-tuning."""
    specs: list[TrialSpec] = []
    for budget in sorted(params.budgets):
        for size in sorted(params.vocab_sizes):
            data = params.data_with(vocab_size=size)
            tags = {"family": "vocabulary", "variant": vocab_label(size)}
            specs += [_trial(params, budget, data, seed, **tags) for seed in params.seeds_of(budget)]
    specs += other_lengths(params, specs, vocab_label(params.data.tokenizer.vocab_size))
    budget = params.deciding_budget
    if params.samples:
        for size in (*sorted(params.samples), params.data.tokenizer.sample_bytes):
            # Each seed draws its own sample, so what a lucky sample does is part of the noise.
            tags = {"family": "sample", "variant": sample_label(size)}
            for seed in params.seeds_of(budget):
                drawn = {"sample_bytes": size} | ({} if size == "all" else {"sample_seed": seed})
                specs.append(_trial(params, budget, params.data_with(**drawn), seed, **tags))
    for name, changes in ({REFERENCE: {}} | params.variants if params.variants else {}).items():
        data = params.data_with(**changes)
        specs += [_trial(params, budget, data, seed, family="choice", variant=name) for seed in params.seeds_of(budget)]
    tuned = fine_tuning_trials(params)
    kept = {spec.start_from for spec in tuned}
    return [_with_checkpoint(spec) if spec.hash in kept else spec for spec in [*specs, *tuned]]


def baselines(params: TokenizerParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The reference vocabulary at every size."""
    return at_each_size(steps, "vocabulary", vocab_label(params.data.tokenizer.vocab_size))


def _with_checkpoint(spec: TrialSpec) -> TrialSpec:
    return spec.replace(checkpoint_every=spec.train_steps)


def fine_tuning_trials(params: TokenizerParams) -> list[TrialSpec]:
    """Going on with the fine-tuning text at equal FLOPs: old pieces, more pieces from the mean of their parts or drawn.

    The runs they go on from, the reference at the size that decides, come first.
    """
    specs: list[TrialSpec] = []
    budget = params.deciding_budget
    for seed in params.seeds_of(budget) if params.fine_tuning is not None else ():
        parent = _trial(params, budget, params.data, seed, family="parent", variant=REFERENCE)
        specs.append(parent)
        flops = params.fine_tuning_fraction * flops_per_token(parent.model) * parent.train_tokens
        for name, data in params.fine_tuning_data.items():
            for start in ("mean", "random") if data.added_pieces else ("mean",):
                how = f"{name}, {'mean of parts' if start == 'mean' else 'drawn'}" if data.added_pieces else name
                spec = _trial(params, budget, data, seed, flops=flops, family="fine-tuning", variant=how)
                specs.append(spec.replace(start_from=parent.hash, new_embeddings=start))
    return specs


def equal_text_trials(params: TokenizerParams, bytes_per_token: Mapping[str, float]) -> list[TrialSpec]:
    """The vocabulary sweep once more, each seeing as much text as the reference does at equal FLOPs.

    Parameters
    ----------
    bytes_per_token
        By variant name, of the training mixture: known once the tokenizers are trained.
    """
    specs = []
    for budget in sorted(params.budgets):
        reference = _trial(params, budget, params.data, 0, family="text", variant="")
        text = reference.train_tokens * bytes_per_token[vocab_label(params.data.tokenizer.vocab_size)]
        for size in sorted(params.vocab_sizes):
            label = vocab_label(size)
            steps = max(2, round(text / (bytes_per_token[label] * reference.tokens_per_step)))
            for seed in params.seeds_of(budget):
                data = params.data_with(vocab_size=size)
                specs.append(_trial(params, budget, data, seed, steps=steps, family="text", variant=label))
    return specs


def _trial(
    params: TokenizerParams,
    budget: int,
    data: DataSpec,
    seed: int,
    *,
    flops: float | None = None,
    steps: int | None = None,
    **tags: str,
) -> TrialSpec:
    """Spends ``flops`` (default: what the reference vocabulary spends on its tokens), or makes ``steps`` steps."""
    model = params.shape(budget, vocab_size=data.vocab_size)
    reference = params.shape(budget)
    if flops is None:
        flops = flops_per_token(reference) * params.tokens_per_param * budget
    steps = steps or params.steps_of(flops / flops_per_token(model))
    tags = {"size": short(budget), "vocab_size": model.vocab_size} | tags
    return params.trial(model, seed, steps, data=data, tags=tags)
