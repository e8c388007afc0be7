"""Idea 3: what it plans, and what its words say of numbers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.errors import StudyError
from studylib.findings import Comparison, LossValley, Optimum, OptimumVerdict, Quantity, TextPerToken, Vocabulary
from studylib.ideas.tokenizer import published, tables
from studylib.ideas.tokenizer.rounds import mixture_rates
from studylib.ideas.tokenizer.schema import TokenizerParams
from studylib.ideas.tokenizer.trials import equal_text_trials, tokenizers
from studylib.ideas.tokenizer.trials import trials as plan
from studylib.model.cost import training_flops
from studylib.params import load_params
from studylib.project import project_root
from studylib.spec import TokenizerSpec, apply
from studylib.words import Text
from tests.handed_on import says_how_it_was_compared

SOURCES = [
    {"name": "ja", "weight": 0.7, "options": {"register": "ja", "bytes": 60_000}},
    {"name": "en", "weight": 0.3, "options": {"register": "en", "bytes": 60_000}},
]


def params(**changes) -> TokenizerParams:
    content = {
        "budgets": (60_000, 20_000),
        "vocab_sizes": (400, 800, 500),
        "samples": (30_000,),
        "variants": {"bpe": {"kind": "bpe"}},
        "head_dim": 8,
        "tokens_per_param": 20,
        "seq_len": 64,
        "data": {"sources": SOURCES, "tokenizer": {"vocab_size": 500, "sample_bytes": "all", "train_on": "counts"}},
        "fine_tuning": {"name": "code", "options": {"register": "code", "bytes": 150_000}},
        "added_pieces": 20,
    }
    return TokenizerParams(**content | changes)


def family(specs, name: str) -> list:
    return [spec for spec in specs if spec.tags["family"] == name]


def test_vocabularies_of_a_budget_cost_the_same_and_differ_in_nothing_else():
    specs = family(plan(params()), "vocabulary")
    assert len(specs) == 2 * 3 * 3
    for size in ("20k", "60k"):
        own = [spec for spec in specs if spec.tags["size"] == size]
        flops = [training_flops(spec) for spec in own]
        assert max(flops) / min(flops) < 1.02
        assert len({spec.model.replace(vocab_size=400) for spec in own}) == 1
        assert len({spec.optimizer for spec in own}) == 1
        assert {spec.model.vocab_size for spec in own} == {400, 500, 800}
        steps = {spec.model.vocab_size: spec.train_steps for spec in own}
        assert steps[400] > steps[500] > steps[800]


def test_equal_text_means_more_steps_for_tokens_that_carry_less():
    rates = {"400 pieces": 2.0, "500 pieces": 2.5, "800 pieces": 4.0}
    specs = equal_text_trials(params(), rates)
    texts = [spec.train_tokens * rates[spec.tags["variant"]] for spec in specs if spec.tags["size"] == "60k"]
    assert max(texts) / min(texts) < 1.02
    reference = {spec.hash for spec in specs if spec.model.vocab_size == 500}
    assert reference <= {spec.hash for spec in plan(params())}, "the reference is trained once for both"


def test_each_seed_draws_its_own_sample_and_all_of_the_text_is_one():
    specs = family(plan(params()), "sample")
    drawn = {spec.data.tokenizer.sample_seed for spec in specs if spec.tags["variant"] == "0.03 MB"}
    assert drawn == {0, 1, 2}
    whole = {spec.data.hash for spec in specs if spec.tags["variant"] == "all the text"}
    assert whole == {params().data.hash}


def test_fine_tuning_goes_on_from_checkpoints_that_are_kept():
    specs = plan(params())
    children = family(specs, "fine-tuning")
    assert {spec.tags["variant"] for spec in children} == {
        "old pieces", "more pieces, mean of parts", "more pieces, drawn",
    }  # fmt: skip
    for child in children:
        parents = [spec for spec in specs if spec.hash == child.start_from]
        assert parents and all(spec.checkpoint_every == spec.train_steps for spec in parents)
        assert child.seed == parents[0].seed
        assert child.data.tokenizer_of == parents[0].data
    flops = [training_flops(child) for child in children]
    assert max(flops) / min(flops) < 1.1
    assert flops[0] == pytest.approx(0.3 * training_flops(parents[0]), rel=0.1)


def test_little_is_asked_for_little_is_planned():
    bare = plan(params(samples=(), variants={}, fine_tuning=None))
    assert {spec.tags["family"] for spec in bare} == {"vocabulary"}
    assert list(tokenizers(params(samples=(), variants={}))) == ["400 pieces", "500 pieces", "800 pieces"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_sizes": (400, 600, 800)}, r"data\.tokenizer\.vocab_size: 500 is not one of vocab_sizes"),
        ({"variants": {"x": {"knd": "bpe"}}}, r"key 'knd' in variants.*did you mean kind"),
        ({"variants": {"reference": {}}}, "cannot be the name"),
        ({"variants": {"x": {"vocab_size": 700}}}, "must keep vocab_size"),
        ({"variants": {"x": {"mix": {"english": 1}}}}, "is not a source"),
        ({"vocab_sizes": (500,)}, "vocab_sizes"),
    ],
)
def test_bad_parameters_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        params(**changes)


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_parameters_of_every_scale_are_sound(scale):
    found = load_params(project_root() / "params" / scale / "tokenizer.yaml")
    assert found.scale == scale
    assert found.data.tokenizer.sample_bytes == "all"
    assert plan(found)


# --- words, on made-up numbers with a known best vocabulary


VOCABULARY = Quantity("vocabulary (pieces)", Text(en="vocabulary", ja="語彙数"))
SAMPLE = tables.SUBJECTS["sample"]


def made_up(best: float = 2000, noise: float = 0.0005) -> pl.DataFrame:
    random = np.random.default_rng(0)
    rows = []
    for place, (size, count) in enumerate((("100k", 1e5), ("1M", 1e6), ("10M", 1e7))):
        for vocab_size in (500, 1000, 2000, 4000, 8000):
            for seed in range(3):
                far = math.log(vocab_size / (best * 2**place))
                rows.append(
                    {
                        "family": "vocabulary", "size": size, "variant": f"{vocab_size} pieces", "vocab_size": vocab_size,
                        "seed": seed, "status": "done", "val_bpb": 2 - 0.1 * place + 0.02 * far**2 + noise * random.normal(),
                        "non_embedding_params": int(count), "flops": 1e12,
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def valleys():
    return analysis.fit_valleys(made_up(), "vocab_size")


def test_the_best_vocabulary_is_found_carried_on_and_said(valleys, tmp_path):
    fits = valleys.budgets
    assert [fit.optimum for fit in fits[:2]] == pytest.approx([2000, 4000], rel=0.15)
    assert fits[2].optimum is None and fits[2].edge == 8000  # at the end of those tried
    assert valleys.carry({"params": 1e8})[0] is None
    carried, reason = analysis.fit_valleys(made_up(1000), "vocab_size").carry({"params": 1e8})
    assert carried.optimum[0] < 8000 < carried.optimum[2] and reason is None
    found = LossValley.of(made_up(), valleys, VOCABULARY, "text")
    assert "At 10M and equal text the best vocabulary is not bracketed" in found.title(**found.facts).en
    assert "10M(同一文章量)では最適語彙数が範囲内に定まらない" in found.title(**found.facts).ja
    figure = found.figure()
    assert {ax.get_xlabel() for ax in figure.axes} >= {"vocabulary (pieces)"}
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert not any("Llama" in label for label in labels), "that mark belongs to the aspect ratio"
    assert found.save(tmp_path).file == "valley.png"
    optimum = Optimum.of(valleys, carried, reason, 1e8, VOCABULARY)
    assert "the best vocabulary is" in optimum.title(**optimum.facts).en
    assert optimum.figure().axes[0].get_ylabel() == "vocabulary (pieces)"


def test_the_vocabulary_is_handed_on_as_measured_or_as_published(valleys):
    trial = plan(params())[0]
    found = analysis.fit_valleys(made_up(1000), "vocab_size")
    carried, reason = found.carry({"params": 1e8})
    vocabulary = Vocabulary.of(carried, found.budgets, 1e8)
    assert vocabulary.pieces % 128 == 0 and abs(vocabulary.pieces - carried.best) <= 64
    assert {one.field: one.evidence for one in vocabulary.settings()} == {
        "data.tokenizer.vocab_size": "measured", "model.vocab_size": "measured",
    }  # fmt: skip
    assert all(says_how_it_was_compared(one) for one in vocabulary.settings())
    built = apply(vocabulary.settings(), trial)
    assert built.model.vocab_size == built.data.tokenizer.vocab_size == vocabulary.pieces
    decision = analysis.decide(made_up(1000).filter(pl.col("size") == "10M"))
    verdict = OptimumVerdict.of(decision, carried, reason, 1e8, vocabulary.use, vocabulary.pieces)
    assert f"Build a vocabulary of {vocabulary.pieces} pieces for 100M parameters" in verdict.said().en
    usual = Vocabulary.of(None, valleys.budgets, 1e8)
    assert (usual.pieces, usual.measured, usual.decided) == (99_584, False, False)
    assert all(one.evidence == "published" and one.interval is None for one in usual.settings())
    assert "llm-jp-tokenizer v3" in usual.said().en and "外挿できません" in usual.said().ja


def compared(difference: float) -> Comparison:
    rows = [
        {"variant": name, "seed": seed, "val_bpb": 2 + level + 0.001 * seed + 0.0002 * ((seed * 7 + place) % 3)}
        for place, (name, level) in enumerate((("all the text", 0.0), ("1 MB", difference)))
        for seed in range(4)
    ]
    return Comparison.of(pl.DataFrame(rows), "all the text", SAMPLE)


def test_comparisons_say_better_worse_or_nothing():
    def title(difference: float) -> str:
        return compared(difference).title(**compared(difference).facts).en

    assert "1 of 1 differs significantly from all the text: 1 MB (+0.05" in title(0.05) and "(-0.05" in title(-0.05)
    assert "No variant differs significantly" in title(0.00001)


def families(levels: dict[tuple[str, str], float], failed: str = "") -> pl.DataFrame:
    """Trials of one size, by family and variant, with seeds that share their luck."""
    noise = np.random.default_rng(1)
    rows = [
        {
            "family": family, "variant": variant, "size": "60k", "seed": seed, "hash": f"{family}/{variant}/{seed}",
            "status": "failed" if variant == failed else "done", "non_embedding_params": 60_000, "flops": 1e12,
            "val_bpb": None if variant == failed else 2 + level + 0.01 * seed + noise.normal(0, 0.0005),
        }
        for (family, variant), level in levels.items()
        for seed in range(3)
    ]  # fmt: skip
    return pl.DataFrame(rows)


LEVELS = {
    ("vocabulary", "400 pieces"): 0.02, ("vocabulary", "500 pieces"): 0.0, ("sample", "0.03 MB"): 0.05,
    ("sample", "all the text"): 0.0, ("choice", "reference"): 0.0, ("choice", "bpe"): -0.04, ("choice", "ja only"): 0.03,
}  # fmt: skip
VARIANTS = {"bpe": {"kind": "bpe"}, "ja only": {"mix": {"ja": 1, "en": 0}}}


def test_families_are_compared_and_what_they_favour_is_handed_on():
    asked = params(variants=VARIANTS)
    found = tables.comparisons(families(LEVELS), asked)
    assert {name: one.baseline for name, one in found.items()} == {"sample": "all the text", "choice": "reference"}
    assert [one.variant for one in found["choice"].differences] == ["bpe", "ja only"], "the sweep only tells the noise"
    handed = {one.field: one for one in tables.settings(families(LEVELS), asked)}
    assert {field: one.value for field, one in handed.items()} == {
        "data.tokenizer.sample_bytes": "all", "data.tokenizer.kind": "bpe", "data.tokenizer.train_on": "counts",
    }  # fmt: skip
    assert handed["data.tokenizer.kind"].sizes == ("60k",) and not handed["data.tokenizer.kind"].decided
    assert says_how_it_was_compared(handed["data.tokenizer.kind"], ["reference", "bpe"])
    built = apply(handed.values(), plan(asked)[0]).data.tokenizer
    assert (built.kind, built.sample_bytes, built.train_on) == ("bpe", "all", "counts")


def test_a_sample_that_does_better_is_told_but_its_bytes_are_not_handed_on():
    trials = families(LEVELS | {("sample", "0.03 MB"): -0.05})
    assert tables.comparisons(trials, params())["sample"].differences[0].difference[2] < 0
    assert [one.field for one in tables.settings(trials, params())] == ["data.tokenizer.kind"]


def test_families_that_were_not_tried_or_failed_say_nothing():
    only = families({key: level for key, level in LEVELS.items() if key[0] == "vocabulary"})
    assert tables.comparisons(only, params()) == {} and tables.settings(only, params()) == ()
    failed = tables.comparisons(families(LEVELS, failed="0.03 MB"), params(variants=VARIANTS))
    assert list(failed) == ["choice"]


def test_anchors_follow_the_numbers():
    measures = pl.DataFrame(
        {"vocab_size": [50_000, 500], "register": ["ja", "ja"], "chars_per_token": [1.9, 1.0]},
    )
    outcomes = [one.outcome for one in published.anchors(None, compared(0.05), measures)]
    assert outcomes == ["underpowered", "agrees", "agrees"]
    assert published.anchors(None, compared(-0.05), measures.head(0))[1].outcome == "disagrees"
    assert published.anchors(None, None, measures.head(0))[2].outcome == "underpowered"
    powers = {(0.2, 0.4, 0.7): "agrees", (1.1, 1.3, 1.5): "disagrees", (0.6, 0.9, 1.2): "underpowered"}
    assert {one: published.anchors(one, None, measures)[0].outcome for one in powers} == powers


def test_tables_measure_every_tokenizer_on_every_kind_of_text(tmp_path):
    some = params(vocab_sizes=(400, 450, 500), samples=(), variants={}, out=str(tmp_path), launcher="inprocess")
    chosen = tokenizers(some)
    found = tables.measured(some)
    assert found.select("variant", "register").rows() == [
        (variant, register) for variant in chosen for register in ("ja", "en", "code")
    ]
    ja = found.filter(pl.col("register") == "ja").sort("vocab_size")["chars_per_token"].to_list()
    assert ja[0] < ja[1]
    rates = mixture_rates(chosen, tmp_path / "data")
    assert rates["400 pieces"] < rates["500 pieces"]
    for file in tmp_path.glob("data/*/*.tokens"):
        file.unlink()
    assert tables.measured(some).equals(found), "measured once"
    trials = tables.with_measures(pl.DataFrame({"variant": ["500 pieces"], "vocab_size": [500]}), found)
    assert trials.select(tables.measured_columns(trials)).row(0)[1] == pytest.approx(ja[-1])
    assert tables.as_records(found)["500 pieces"]["ja"]["chars_per_token"] == pytest.approx(ja[-1], rel=1e-3)
    told = TextPerToken.of(found)
    figure = told.figure()
    assert len(figure.axes) == 2 and len(figure.axes[0].lines) == 3
    assert [kind.name for kind in told.kinds] == ["ja", "en", "code"] and told.kinds[0].characters == pytest.approx(
        (ja[0], ja[-1])
    )
    assert "From 400 to 500 pieces a token of ja grows" in told.title(**told.facts).en
    with pytest.raises(StudyError, match="has no tokenizer"):
        TextPerToken.of(found.clear())


def test_a_tokenizer_spec_without_room_is_refused():
    with pytest.raises(ValueError, match="most_pieces"):
        TokenizerSpec(most_pieces=10)
    assert issubclass(StudyError, ValueError)
