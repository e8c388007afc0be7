"""Stages: each its own mixture, order and context, over one run's text, as a pure function of (seed, step)."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from studylib.data import StagedStream, TokenStream
from studylib.data.prepared import PreparedData
from studylib.data.staged import cut_rows, mean_document_length
from studylib.errors import StudyError
from studylib.spec import DataSpec, ModelSpec, SourceSpec, StageSpec, TrialSpec

SEQ_LEN, BATCH = 16, 4


class Shards(PreparedData):
    """Sources of counting tokens in documents of known lengths, so that a window tells where it is from."""

    def __init__(self, **documents: list[int]):
        self.sources = {}
        for place, (label, lengths) in enumerate(documents.items()):
            starts = np.concatenate([[0], np.cumsum(lengths)])
            tokens = np.arange(starts[-1], dtype=np.uint32) + 1_000_000 * place
            shard = SimpleNamespace(
                tokens=tokens, num_tokens=len(tokens), label=label, document_starts=starts, has_pairs=False
            )
            self.sources[label] = SimpleNamespace(train=shard, validation=shard)


@pytest.fixture(scope="module")
def shards() -> Shards:
    random = np.random.default_rng(0)
    return Shards(ja=list(random.integers(5, 200, 60)), en=list(random.integers(5, 200, 50)))


def trial(steps: int, *stages: dict, seed: int = 3) -> TrialSpec:
    return TrialSpec(
        model=ModelSpec(num_layers=1, hidden_size=16, num_heads=2, vocab_size=4096, seq_len=SEQ_LEN),
        data=DataSpec(sources=(SourceSpec(name="ja", weight=3.0), SourceSpec(name="en"))),
        stages=tuple(StageSpec(**stage) for stage in stages), train_steps=steps, global_batch_size=BATCH, seed=seed,
    )  # fmt: skip


def starts_of(stream: StagedStream, steps: range) -> list[int]:
    return [int(row[0]) for step in steps for row in stream.batch(step)]


def test_no_stages_are_the_plain_stream_bit_for_bit(shards):
    staged = StagedStream(shards, trial(40))
    plain = TokenStream(shards, {"ja": 3.0, "en": 1.0}, SEQ_LEN, BATCH, 3)
    for step in range(40):
        assert (staged.batch(step) == plain.batch(step)).all()
        assert staged.sources_at(step) == plain.sources_at(step)
    assert staged.epochs_at(17) == plain.epochs_at(17)


def test_stages_that_say_nothing_change_nothing(shards):
    """Two halves of one mixture are that mixture, to the sequence (each half's counts are whole here)."""
    plain = StagedStream(shards, trial(40))
    halves = StagedStream(shards, trial(40, {"name": "first", "fraction": 0.5}, {"name": "second"}))
    for step in range(40):
        assert (halves.batch(step) == plain.batch(step)).all()


def test_any_step_can_be_asked_for_in_any_order(shards):
    spec = trial(
        30,
        {"name": "a", "tokens": 10 * BATCH * SEQ_LEN, "mixture": {"en": 1}, "seq_len": 4, "order": "long_first"},
        {"name": "b", "fraction": 1 / 3, "mixture": {"ja": 1, "en": 1}, "order": "short_first"},
        {"name": "c", "mixture": {"ja": 1}},
    )
    assert spec.stage_ends == (10, 20, 30)
    forward = StagedStream(shards, spec)
    batches = [forward.batch(step) for step in range(30)]
    assert [one.shape for one in (batches[0], batches[10], batches[29])] == [(16, 5), (4, 17), (4, 17)]
    for step in (29, 10, 9, 0, 20, 19):
        assert (StagedStream(shards, spec).batch(step) == batches[step]).all(), "a fresh stream begins anywhere"
    assert set(forward.sources_at(9)) == {"en"} and set(forward.sources_at(25)) == {"ja"}
    assert Counter(name for step in range(10, 20) for name in forward.sources_at(step)) == {"ja": 20, "en": 20}


def test_a_source_goes_on_where_the_stage_before_left_it(shards):
    windows = (shards.sources["ja"].train.num_tokens - 1) // SEQ_LEN
    steps = windows // BATCH
    spec = trial(
        steps,
        {"name": "a", "fraction": 0.3, "mixture": {"ja": 1}},
        {"name": "b", "fraction": 0.4, "mixture": {"ja": 1}, "order": "short_first"},
        {"name": "c", "mixture": {"ja": 1}, "seq_len": 8},
    )
    stream = StagedStream(shards, spec)
    tokens = np.concatenate([stream.batch(step)[:, 1:].ravel() for step in range(steps)])
    assert len(np.unique(tokens)) == len(tokens) == steps * BATCH * SEQ_LEN, "no text twice within its first epoch"
    assert stream.epochs_at(steps)["ja"] == pytest.approx(steps * BATCH / windows)


def test_orders_read_the_same_windows_and_go_up_or_down(shards):
    steps = 20
    spec = {
        order: trial(steps, {"name": "all", "mixture": {"ja": 1}, "order": order})
        for order in ("random", "short_first", "long_first")
    }
    starts = {order: starts_of(StagedStream(shards, one), range(steps)) for order, one in spec.items()}
    assert sorted(starts["random"]) == sorted(starts["short_first"]) == sorted(starts["long_first"])
    length = mean_document_length(shards.sources["ja"].train.document_starts)
    lengths = {order: length(np.array(found), SEQ_LEN) for order, found in starts.items()}
    assert (np.diff(lengths["short_first"]) >= 0).all() and (np.diff(lengths["long_first"]) <= 0).all()
    assert (np.diff(lengths["random"]) < 0).any() and lengths["short_first"][0] < lengths["short_first"][-1]


def test_an_ordered_stage_of_several_epochs_sorts_each(shards):
    windows = (shards.sources["ja"].train.num_tokens - 1) // SEQ_LEN
    steps = 2 * windows // BATCH
    stream = StagedStream(shards, trial(steps, {"name": "all", "mixture": {"ja": 1}, "order": "short_first"}))
    starts = np.array(starts_of(stream, range(steps)))
    lengths = mean_document_length(shards.sources["ja"].train.document_starts)(starts, SEQ_LEN)
    assert (np.diff(lengths[:windows]) >= 0).all() and (np.diff(lengths[windows:]) >= 0).all()
    assert lengths[windows] < lengths[windows - 1]
    assert len(np.unique(starts[:windows])) == windows


def test_a_shorter_context_cuts_the_same_text(shards):
    long = StagedStream(shards, trial(10, {"name": "all"}))
    short = StagedStream(shards, trial(10, {"name": "all", "seq_len": 4}))
    for step in range(10):
        whole, pieces = long.batch(step), short.batch(step)
        assert pieces.shape == (BATCH * 4, 5)
        assert (pieces[:, :-1].reshape(BATCH, SEQ_LEN) == whole[:, :-1]).all()
        assert (pieces[:, 1:].reshape(BATCH, SEQ_LEN) == whole[:, 1:]).all()
    assert cut_rows(whole, SEQ_LEN) is whole


def test_document_length_is_the_mean_over_a_windows_tokens():
    length = mean_document_length(np.array([0, 10, 14, 40]))
    assert length(np.array([0, 8, 14]), 4).tolist() == [10.0, (2 * 10 + 2 * 4) / 4, 26.0]


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ([{"name": "a", "mixture": {"jp": 1}}], r"stages.a.mixture: 'jp' is not a source; choose from ja, en"),
        ([{"name": "a", "mixture": {"ja": 0}}], "stages.a.mixture: .* no positive weight"),
        ([{"name": "a", "mixture": {"ja": -1}}], r"stages.a.mixture.ja: -1.0 is negative"),
        ([{"name": "a", "seq_len": 5}], "stages.a.seq_len: 5 does not divide the model's seq_len 16"),
        ([{"name": "a", "seq_len": 32}], "stages.a.seq_len: 32 does not divide"),
        ([{"name": "a", "fraction": 0.5}, {"name": "a"}], "'a' names two stages"),
        ([{"name": "a", "fraction": 0.5}, {"name": "b", "fraction": 0.2}], "add up to 0.7 of the run"),
        ([{"name": "a"}, {"name": "b"}], "a, b' leave both fraction and tokens out"),
        ([{"name": "a", "fraction": 1.0}, {"name": "b"}], "'b' has no whole step"),
        ([{"name": "a", "fraction": 0.5, "tokens": 64}, {"name": "b"}], "stages.a: 64 gives tokens beside fraction"),
    ],
)  # fmt: skip
def test_stages_that_do_not_fit_are_refused_before_anything_runs(stages, says):
    with pytest.raises(StudyError, match=says):
        trial(40).replace(stages=stages)


def test_stages_probes_and_auxiliary_text_are_a_part_of_the_hash():
    spec = TrialSpec(model=ModelSpec(num_layers=3, hidden_size=64, num_heads=4, vocab_size=4096), train_steps=10)
    staged = spec.replace(stages=(StageSpec(name="all"),))
    probed = spec.replace(probes=("position",))
    assert len({spec.hash, staged.hash, probed.hash}) == 3
    auxiliary = SourceSpec(name="more", auxiliary=True)
    assert spec.data.replace(sources=(*spec.data.sources, auxiliary)).hash != spec.data.hash


def test_a_mixed_sorted_cut_stream_is_never_waited_for():
    """2 % of a step would be 10 million tokens/s beside a model that trains 200k a second; the stream makes 40 here."""
    import time

    many = Shards(ja=[300] * 5000, en=[300] * 5000)
    stages = (
        {"name": "a", "fraction": 0.5, "seq_len": 32},
        {"name": "b", "mixture": {"ja": 1}, "order": "short_first"},
    )
    spec = trial(60).replace(**{"model.seq_len": 128, "global_batch_size": 8, "stages": stages})
    stream, took = StagedStream(many, spec), []
    for step in range(60):
        began = time.process_time()
        stream.batch(step)
        took.append(time.process_time() - began)
    assert spec.tokens_per_step / np.median(took) > 1e6, "processor time, and a tenth of what is wanted"
