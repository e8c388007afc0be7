"""The stream: a pure function of (seed, step), exact shares, every window once an epoch."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studylib.data import TokenStream, prepare, validation_windows
from studylib.data.prepared import PreparedData
from studylib.data.staged import StagedStream
from studylib.data.stream import _share_of, _splits
from studylib.errors import StudyError
from studylib.spec import DataSpec, SourceSpec
from studylib.train import train


class Shards(PreparedData):
    """Sources of counting tokens, so that a window tells where it is from."""

    def __init__(self, **sizes: int):
        self.sources = {}
        for place, (label, size) in enumerate(sizes.items()):
            tokens = np.arange(size, dtype=np.uint32) + 1_000_000 * place
            shard = SimpleNamespace(
                tokens=tokens, num_tokens=size, label=label, bytes_in=lambda start, stop: 3.0 * (stop - start)
            )
            self.sources[label] = SimpleNamespace(train=shard, validation=shard)


def test_the_same_seed_and_step_give_the_same_batch_in_any_order():
    shards, weights = Shards(a=5000, b=3000), {"a": 2, "b": 1}
    forward = TokenStream(shards, weights, 16, 8, seed=3)
    batches = [forward.batch(step) for step in range(60)]
    backward = TokenStream(shards, weights, 16, 8, seed=3)
    for step in reversed(range(60)):
        assert (backward.batch(step) == batches[step]).all()
    assert batches[0].dtype == np.int64 and batches[0].shape == (8, 17)
    assert (TokenStream(shards, weights, 16, 8, seed=4).batch(0) != batches[0]).any()


def test_a_batch_does_not_depend_on_its_size():
    shards, weights = Shards(a=5000, b=3000), {"a": 2, "b": 1}
    large, small = (TokenStream(shards, weights, 16, size, seed=3) for size in (8, 4))
    assert (large.batch(5) == np.concatenate([small.batch(10), small.batch(11)])).all()


def test_each_window_comes_once_an_epoch_and_epochs_differ():
    stream = TokenStream(Shards(a=16 * 50 + 7), {"a": 1}, 16, 5, seed=0)
    epochs = [np.concatenate([stream.batch(step) for step in range(10 * epoch, 10 * epoch + 10)]) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(np.diff(np.sort(epoch[:, 0]))) == [16] * 49
        assert (np.diff(epoch) == 1).all()
    orders = [tuple((epoch[:, 0] // 16).tolist()) for epoch in epochs]
    assert len(set(orders)) == 3
    assert stream.epochs_at(25) == {"a": 2.5}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(1, 5000))
def test_shares_are_met_at_every_moment(weights, count):
    labels = [f"s{place}" for place in range(len(weights))]
    stream = TokenStream(Shards(**dict.fromkeys(labels, 200)), dict(zip(labels, weights, strict=True)), 16, 1, seed=0)
    given_out = stream._counts(count)
    assert sum(given_out) == count
    for got, weight in zip(given_out, weights, strict=True):
        assert abs(got - count * weight / sum(weights)) < len(weights)


def test_the_interleaving_is_what_the_counts_say():
    stream = TokenStream(Shards(a=900, b=900, c=900), {"a": 5, "b": 3, "c": 0.5}, 16, 10, seed=0)
    seen = Counter(label for step in range(40) for label in stream.sources_at(step))
    assert [seen[label] for label in "abc"] == stream._counts(400)
    sources, places = stream._places(0, 400)
    for source in range(3):
        assert places[sources == source].tolist() == list(range(seen["abc"[source]]))


def test_shares_stay_exact_far_into_a_run():
    numbers = [0, 1, 2**32 - 1, 2**32 + 5, 2**40 + 12345, 2**62]
    for share in (1, 12345, 2**31, 2**32 - 1, 2**32):
        got = _share_of(np.array(numbers, dtype=np.int64), share)
        assert got.tolist() == [number * share // 2**32 for number in numbers]


def test_how_many_windows_are_cut_at_once_does_not_matter(monkeypatch):
    shards, weights = Shards(a=5000, b=3000), {"a": 2, "b": 1}
    at_once = TokenStream(shards, weights, 16, 8, seed=3)
    monkeypatch.setattr("studylib.data.stream._TOKENS_AT_ONCE", 1)
    alone = TokenStream(shards, weights, 16, 8, seed=3)
    for step in (0, 1, 59, 7, 500):
        assert (at_once.batch(step) == alone.batch(step)).all()


def test_a_weight_of_zero_leaves_a_source_out():
    stream = TokenStream(Shards(a=900, b=900), {"a": 0, "b": 3}, 16, 10, seed=0)
    assert set(stream.sources_at(0)) == {"b"}
    assert _splits([1.0]) == []


@pytest.mark.parametrize(
    ("weights", "seq_len", "message"),
    [
        ({"x": 1}, 16, "'x' is not prepared here; choose from a, b"),
        ({"a": 0}, 16, "no positive weight"),
        ({"a": 1}, 1000, "'a' has 900 train tokens, fewer than one sequence of seq_len 1000"),
    ],
)
def test_what_cannot_be_streamed_is_said(weights, seq_len, message):
    with pytest.raises(StudyError, match=message):
        TokenStream(Shards(a=900, b=900), weights, seq_len, 4, seed=0)


def test_validation_windows_are_spread_and_do_not_depend_on_weights():
    shards = Shards(a=16_001, b=161)
    one = validation_windows(shards, {"a": 1, "b": 1}, 16, 1600)
    two = validation_windows(shards, {"a": 0, "b": 9}, 16, 1600)
    for (label, windows, size), (_, other, _) in zip(one, two, strict=True):
        assert (windows == other).all()
        assert len(np.unique(windows[:, 0])) == len(windows) == {"a": 50, "b": 10}[label]
        assert size == 3.0 * 16 * len(windows)
    assert one[0][1][-1, 0] > 15_000


def test_validation_counts_the_bytes_of_the_predicted_tokens(tmp_path):
    sources = [{"kind": "miniworld", "options": {"bytes": 200_000}}]
    prepared = prepare(DataSpec(sources=sources, tokenizer={"vocab_size": 450, "kind": "bpe"}), tmp_path)
    ((_, windows, size),) = validation_windows(prepared, {"miniworld": 1}, 32, 10**9)
    shard = prepared.sources["miniworld"].validation
    assert size == pytest.approx(shard.bytes_in(1, 32 * len(windows) + 1))
    assert size == pytest.approx(shard.num_bytes, rel=0.05)


def test_a_source_of_weight_zero_is_judged_but_not_trained_on(tiny_trial, tmp_path):
    watched = SourceSpec(name="watched", weight=0, options={"register": "en", "bytes": 60_000})
    trained, *_ = tiny_trial.data.sources
    spec = tiny_trial.replace(data=tiny_trial.data.replace(sources=(trained, watched)), train_steps=3)
    stream = StagedStream(prepare(spec.data, tmp_path / "data"), spec)
    assert {label for step in range(3) for label in stream.sources_at(step)} == {trained.label}
    assert set(train(spec, tmp_path / "trial", data_folder=tmp_path / "data")["val"]) == {trained.label, "watched"}
    with pytest.raises(ValueError, match="has weight 0, like all the others"):
        DataSpec(sources=(watched,))
