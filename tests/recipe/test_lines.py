"""Which value the recipe takes: published findings against the study's own trials, ideas against each other."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from studylib.analysis.reliability import Reliability
from studylib.data.guard import Guard
from studylib.frozen import validated
from studylib.model.cost import parameter_count
from studylib.recipe.choices import Choices, read_choices
from studylib.recipe.line import Line
from studylib.recipe.lines import lines, priced
from studylib.recipe.options import RecipeOptions
from studylib.recipe.published import published, step_law_batch, step_law_rate
from studylib.recipe.shape import shape_of
from studylib.recipe.text import CONVERSATIONS, PAIRS, corpora, passes, sources
from studylib.recipe.trial import fitting, tunings
from studylib.registry import SOURCES
from studylib.result import IdeaResult
from studylib.spec import Setting, Tried
from studylib.spec.setting import check_field
from studylib.words import Text

HOLDS, FORGETS = Reliability(np.full(2000, 1e9)), Reliability(np.full(2000, 0.2))  # rankings that hold, and that do not
OPTIONS = RecipeOptions()


def measured(
    field: str, *values: object, behind: float = 1.0, sd: float = 0.05, params: float = 1e7, **changes: object
) -> Setting:
    """A setting whose first value was compared with the others at its largest size."""
    tried = [Tried(label=str(values[0]), value=values[0], behind_percent=0, sd_percent=0)]
    tried += [Tried(label=str(one), value=one, behind_percent=behind, sd_percent=sd) for one in values[1:]]
    content = {
        "field": field, "value": values[0], "evidence": "measured", "sizes": ("10M",), "decided": False,
        "tried": tried if len(tried) > 1 else (), "params": params, "noise_percent": 0.1, "seeds": 3,
    }  # fmt: skip
    return Setting(**content | changes)


def made(
    *settings: Setting,
    reliability: Reliability = HOLDS,
    options: RecipeOptions = OPTIONS,
    **others: tuple[Setting, ...],
) -> dict:
    """Lines by field, of pre-training, from the settings of one idea and of ``others``."""
    found = lines(Choices(settings={"one": settings} | others), reliability, options)
    return {one.field: one for one in found if one.phase == "pre-training"}


def test_what_an_idea_carried_to_the_target_is_what_the_line_says():
    """By all its sizes, whatever rankings at one are worth; the setting and the line of the recipe agree."""
    tried = [
        Tried(label="a", value="geglu", behind_percent=0, sd_percent=0, there=(0.0, 0.0)),
        Tried(label="b", value="swiglu", behind_percent=-1.0, sd_percent=0.1, there=(0.6, 0.5)),
        Tried(label="c", value="relu", behind_percent=2.0, sd_percent=0.1, there=(1.2, 0.8)),
    ]
    draws = np.random.default_rng(0).normal([0.0, 0.6, 1.2], [0.354, 0.354, 0.717], (20_000, 3))
    for reliability in (HOLDS, FORGETS):
        line = made(measured("model.activation", "geglu", tried=tried), reliability=reliability)["model.activation"]
        assert line.p_own == pytest.approx((draws[:, 0] < draws[:, 1]).mean(), abs=0.03)
        assert line.value == "swiglu" and line.p_best == pytest.approx((draws.argmin(axis=1) == 1).mean(), abs=0.03)


def test_a_choice_that_leaves_no_shape_of_the_size_asked_for_gives_way_with_a_word():
    """Eight experts share the parameters of one feed-forward: those of a model of 10B in all would be narrow."""
    experts = (
        measured("model.moe.experts", 8, None, choice="experts"),
        measured("model.moe.experts_per_token", 2, None, choice="experts"),
        measured("model.activation", "relu", "swiglu"),
    )
    found = made(*experts)
    assert found["model.activation"].value == "relu", "the others stand"
    for field in ("model.moe.experts", "model.moe.experts_per_token"):
        line = found[field]
        assert line.value is None and line.own_value is not None and not line.decided
        assert "within 10B parameters in all" in line.conflict.en and "less than 1.5 times" in line.conflict.en
        assert "比べていない" in line.conflict.ja
    _, trial = fitting(lines(Choices(settings={"one": experts}), HOLDS, OPTIONS), OPTIONS)
    assert trial.model.moe is None and abs(parameter_count(trial.model).total / 1e10 - 1) <= 0.05
    few = made(measured("model.moe.experts", 2, None, choice="experts"), experts[1])
    assert few["model.moe.experts"].value == 2, "two experts have room"


# --- without a study


def test_without_any_result_every_line_has_a_value_and_says_from_where():
    found = lines(Choices(settings={}), HOLDS, OPTIONS)
    assert len({one.key for one in found}) == len(found) > 40
    for one in found:
        check_field(one.field)
        assert one.source is not None and one.evidence in ("published", "convention"), one.field
        assert (one.value is not None) == (one.field != "model.moe.experts"), one.field  # a dense model has none
        assert not (one.decided or one.idea)
        for text in (one.name, one.source, one.conditions):
            assert text.en.strip() and re.search(r"[ぁ-んァ-ヶ一-龯0-9A-Za-zα-ω]", text.ja), one.field
    cited = [one for one in found if one.evidence == "published"]
    assert all(re.search(r"arXiv|llm-jp|LLM-jp|Qwen3|same|layers|vocabulary|Llama", one.source.en) for one in cited)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (1e8, {}),
        (1e9, {}),
        (7e9, {"pp": 5, "gpus": 40}),
        (1e10, {}),
        (1e10, {"tp": 4, "pp": 3, "gpus": 96}),
        (7e10, {"gpus": 512}),
    ],
)
def test_the_trial_has_the_parameters_asked_for_and_can_be_split(target, options):
    options = RecipeOptions(
        target_params=target, tokens=20 * target, vocab_size=32_768 if target < 5e8 else None, **options
    )
    found, trial = fitting(lines(Choices(settings={}), HOLDS, options), options)
    assert abs(parameter_count(trial.model).total / target - 1) <= 0.05
    model, tp = trial.model, options.tp or (8 if target >= 1e10 else 1)
    assert all(size % tp == 0 for size in (model.num_heads, model.kv_heads, model.vocab_size, model.ffn_size))
    assert model.num_layers % (options.pp or 4) == 0
    assert trial.train_tokens == pytest.approx(options.tokens, rel=0.03) and trial.checkpoint_every
    assert trial.data.sources[0].cleaning and not any(one.cleaning for one in trial.data.sources[1:])
    later = tunings(found, trial)
    assert [later["fine-tuning"].start_from, later["preferences"].start_from] == [trial.hash, later["fine-tuning"].hash]
    assert later["preferences"].objective.beta == 0.5 and later["fine-tuning"].optimizer.learning_rate == 2e-5


def test_rates_and_batches_are_step_laws():
    assert step_law_rate(1e9, 1e11) == pytest.approx(1.79 * 1e9**-0.713 * 1e11**0.307)
    assert step_law_batch(2e11) == pytest.approx(1.6e6, rel=0.05)
    shape, size = shape_of(OPTIONS, 128, 99_584)
    assert published(OPTIONS, shape, size)["pre-training", "optimizer.learning_rate"].value == pytest.approx(
        4.1e-4, rel=0.05
    )


def test_every_source_can_be_asked_for_its_text():
    made = {}
    for one in (*sources(2e11), *CONVERSATIONS, *PAIRS):
        Guard.check_source(one.label, one.kind, one.options)
        made[one.label] = SOURCES[one.kind](one.label, one.options)
    assert made["dolly"].conversations and made["oasst"].conversations and made["pairs"].preferences
    assert list(made) == ["ja", "ja-wiki", "en", "code", "dolly", "oasst", "pairs"]


def test_shares_of_the_text_are_a_whole_and_wikipedia_is_read_at_most_four_times():
    for tokens in (1e9, 2e11, 2e12):
        assert sum(one.share for one in corpora(tokens).values()) == pytest.approx(1)
        assert passes(tokens)["ja-wiki"] <= 4.001
    often = made(options=RecipeOptions(tokens=2e12))["data.sources"].conditions
    assert "7.29 times" in often.en and "more Japanese text" in often.en and "7.29 回" in often.ja
    assert "more Japanese text" not in made()["data.sources"].conditions.en


# --- own trials against what is published


def test_own_trials_overrule_what_is_published_only_where_their_ranking_carries():
    better = measured("model.activation", "relu2", "swiglu")
    sure, unsure = made(better)["model.activation"], made(better, reliability=FORGETS)["model.activation"]
    assert (sure.value, sure.evidence, sure.decided, sure.idea) == ("relu2", "measured", True, "one")
    assert sure.p_own > 0.99 and sure.regret_percent < 0.01
    assert (unsure.value, unsure.own_value, unsure.evidence, unsure.decided) == ("swiglu", "relu2", "published", False)
    assert 0.4 < unsure.p_own < 0.9 and unsure.regret_percent > 0.1 and unsure.alternatives == ("relu2",)
    assert unsure.source is not None and unsure.sizes == ("10M",)


def test_a_published_value_that_was_not_tried_stands():
    line = made(measured("model.activation", "relu2", "gelu"))["model.activation"]
    assert (line.value, line.own_value, line.p_own, line.decided) == ("swiglu", "relu2", None, False)


def test_own_trials_that_agree_decide():
    line = made(measured("model.norm", "rmsnorm", "layernorm"))["model.norm"]
    assert (line.value, line.evidence, line.decided, line.p_own) == ("rmsnorm", "measured", True, None)
    assert line.p_best > 0.99
    unsure = made(measured("model.norm", "rmsnorm", "layernorm", behind=0.02))["model.norm"]
    assert (unsure.evidence, unsure.decided) == ("published", False)


def test_where_nothing_is_published_the_own_leader_stands_open():
    line = made(measured("model.rotary_fraction", 0.5, 1.0, behind=0.01))["model.rotary_fraction"]
    assert (line.value, line.evidence, line.decided) == (0.5, "measured", False)


def test_an_optimum_over_a_scale_overrules_if_it_is_decided_and_leaves_the_published_value_out():
    law = {"decided": True, "p_best": 0.95}
    assert (
        made(measured("optimizer.weight_decay", 0.02, interval=(0.01, 0.05), **law))["optimizer.weight_decay"].value
        == 0.02
    )
    assert (
        made(measured("optimizer.weight_decay", 0.02, interval=(0.01, 0.2), **law))["optimizer.weight_decay"].value
        == 0.1
    )


def test_what_an_idea_takes_over_from_others_is_not_its_own_word():
    said = Setting(
        field="model.vocab_size", value=50_000, evidence="published", source=Text(en="x", ja="x"), decided=False
    )
    assert made(said)["model.vocab_size"].idea == ""


def test_what_was_asked_for_is_not_overruled():
    own = measured("model.vocab_size", 32_768, 99_584, choice="vocabulary")
    assert made(own)["model.vocab_size"].value == 32_768
    line = made(own, options=RecipeOptions(vocab_size=99_584))["model.vocab_size"]
    assert (line.value, line.evidence, line.own_value) == (99_584, "convention", 32_768)


# --- fields that go together


def test_options_of_a_choice_come_and_go_with_it():
    pattern = measured("model.attention_pattern", "sliding_window", "dense", choice="attention")
    window = measured("model.window", 512, None, choice="attention")
    taken, left = made(pattern, window), made(pattern, window, reliability=FORGETS)
    assert {one.choice for one in (taken["model.attention_pattern"], taken["model.window"])} == {"attention"}
    assert taken["model.window"].name.en == "attention window", "called by a name, although nothing is published of it"
    assert (taken["model.attention_pattern"].value, taken["model.window"].value) == ("sliding_window", 512)
    assert (left["model.attention_pattern"].value, left["model.window"].value, left["model.window"].own_value) == (
        "dense",
        None,
        512,
    )


def test_a_rate_means_nothing_under_another_start_or_optimizer():
    start = measured("model.init", "completep", "gpt2")
    rate = measured("optimizer.learning_rate", 4e-3, decided=True, interval=(3e-3, 5e-3))
    both, rate_alone = made(start, rate), made(start, rate, reliability=FORGETS)
    assert (both["model.init"].value, both["optimizer.learning_rate"].value) == ("completep", 4e-3)
    line = rate_alone["optimizer.learning_rate"]
    assert rate_alone["model.init"].value == "gpt2"
    assert (
        line.value == pytest.approx(4.1e-4, rel=0.05)
        and "completep" in line.conflict.en
        and "completep" in line.conflict.ja
    )
    alone = made(start)["optimizer.learning_rate"]
    assert alone.value is None and "gpt2" in alone.conflict.en


def test_an_optimizer_that_is_taken_brings_its_rate():
    name = measured("optimizer.name", "muon", "adamw", choice="optimizer")
    rate = measured("optimizer.learning_rate", 8e-3, choice="optimizer")
    found = made(name, rate)
    assert (
        found["optimizer.name"].value,
        found["optimizer.learning_rate"].value,
        found["optimizer.weight_decay"].value,
    ) == ("muon", 8e-3, None)
    assert made(name, rate, reliability=FORGETS)["optimizer.learning_rate"].value == pytest.approx(4.1e-4, rel=0.05)


def test_a_shape_is_carried_as_an_aspect_ratio_and_made_for_this_size():
    deep = measured("model.num_layers", 120, 44, behind=2.0)
    wide = measured("model.hidden_size", 2560, 4096, behind=2.0)
    wide = wide.replace(
        tried=tuple(one.replace(label=label) for one, label in zip(wide.tried, ("120", "44"), strict=True))
    )
    found = made(deep, wide)
    assert found["model.hidden_size"].value / found["model.num_layers"].value < 60
    assert found["model.num_layers"].decided and found["model.num_layers"].evidence == "measured"
    trial = fitting(tuple(found.values()), OPTIONS)[1]
    assert abs(parameter_count(trial.model).total / 1e10 - 1) <= 0.05
    assert made(deep, wide, reliability=FORGETS)["model.num_layers"].value == 44


# --- ideas that disagree


def test_of_two_ideas_the_decided_goes_first_then_the_larger_size_then_the_lower_regret():
    def said(value: int, **changes: object) -> tuple[Setting, ...]:
        return (measured("model.rotary_fraction", value, **changes),)

    def taken(one: tuple[Setting, ...], two: tuple[Setting, ...]) -> Line:
        return made(*one, two=two)["model.rotary_fraction"]

    decided = taken(said(0.5, params=1e6, decided=True, p_best=0.9), said(0.25, params=1e9))
    assert decided.value == 0.5 and decided.conflict.en.startswith("two (0.25)") and "決定" in decided.conflict.ja
    assert taken(said(0.5, params=1e6), said(0.25, params=1e9)).value == 0.25
    assert taken(said(0.5, expected_regret_percent=0.1), said(0.25, expected_regret_percent=0.3)).value == 0.5
    assert taken(said(0.5), said(0.5)).conflict is None


def test_an_own_choice_that_does_not_fit_the_rest_gives_way_and_says_so():
    found = made(measured("model.attention_every", 4), measured("model.rotary_fraction", 0.5))
    kept, trial = fitting(tuple(found.values()), OPTIONS)
    line = next(one for one in kept if one.field == "model.attention_every")
    assert line.value is None and line.own_value == 4 and "attention_every" in line.conflict.en
    assert trial.model.rotary_fraction == 0.5 and [one.field for one in kept] == [*found]
    # A published value that own trials agree with is not theirs to give way.
    found = made(measured("schedule.name", "wsd", "cosine"), measured("schedule.warmup_fraction", 0.02, 0.1))
    kept, trial = fitting(tuple(found.values()), OPTIONS)
    line = next(one for one in kept if one.field == "schedule.warmup_fraction")
    assert line.value is None and "warmup_steps" in line.conflict.en
    assert (trial.schedule.name, trial.schedule.decay_fraction, trial.schedule.warmup_steps) == ("wsd", 0.2, 2000)
    vocabulary = [
        measured(field, 65_536, choice="vocabulary") for field in ("model.vocab_size", "data.tokenizer.vocab_size")
    ]
    found = made(
        measured("model.attention_every", 4),
        *(one.replace(decided=True, p_best=0.99, interval=(6e4, 7e4)) for one in vocabulary),
    )
    assert fitting(tuple(found.values()), OPTIONS)[1].data.tokenizer.vocab_size == 65_536


def test_an_own_choice_of_a_tuning_that_does_not_fit_gives_way_too():
    policy = measured("objective.estimator", "rloo", phase="preferences")
    kept, _ = fitting(lines(Choices(settings={"one": (policy,)}), HOLDS, OPTIONS), OPTIONS)
    line = next(one for one in kept if one.field == "objective.estimator")
    assert line.value is None and "estimator" in line.conflict.en


def test_conversations_share_no_row_where_a_mixer_carries_them_over():
    hybrid = (
        measured("model.mixer", "mamba2", "attention", choice="mixer"),
        measured("model.attention_every", 2, 0, choice="mixer"),
    )
    tuned = {}
    for own in ((), hybrid):
        found, trial = fitting(lines(Choices(settings={"one": own}), HOLDS, OPTIONS), OPTIONS)
        tuned[trial.model.mixer] = tunings(found, trial)["fine-tuning"]
    packed, apart = tuned["attention"], tuned["mamba2"]
    assert (packed.objective.name, packed.objective.most_in_row) == ("answers", None)
    assert (apart.objective.name, apart.objective.most_in_row) == ("answers", 1)
    assert apart.train_steps > 5 * packed.train_steps, "as many conversations in more rows"


# --- what a line costs


def test_regret_becomes_bits_and_gpu_hours():
    line = made(measured("model.norm", "rmsnorm", "layernorm"))["model.norm"].replace(regret_percent=1.0)
    (cost,) = priced([line], 0.8, -0.05, 10_000)
    assert cost.regret_bpb == pytest.approx(0.008)
    assert cost.regret_gpu_hours == pytest.approx(10_000 * (1.01 ** (1 / 0.05) - 1))
    assert priced([line], None, -0.05, 1.0)[0].regret_bpb is None


def test_lines_are_the_same_after_a_file():
    for one in lines(Choices(settings={}), HOLDS, OPTIONS):
        assert validated(Line, json.loads(one.model_dump_json())) == one


# --- reading a study


def result(idea: str, *settings: Setting) -> IdeaResult:
    text = Text(en="x", ja="x")
    return IdeaResult(
        idea=idea,
        scale="smoke",
        question=text,
        verdict=text,
        settings=settings,
        winner=None,
        decided=False,
        metrics=(),
        provenance={},
    )


def test_a_folder_says_which_ideas_are_missing_or_cannot_be_read(tmp_path):
    result("architecture", measured("model.norm", "rmsnorm", "layernorm")).write(tmp_path / "architecture")
    result("decision", measured("model.norm", "layernorm")).write(tmp_path / "decision")
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "result.json").write_text('{"idea": ')
    found = read_choices(tmp_path)
    assert list(found.settings) == ["architecture"] and found.scale == "smoke"
    assert "depth_width" in found.missing and "decision" not in found.missing
    assert list(found.failed) == ["tokenizer"] and "\n" not in found.failed["tokenizer"]
    before = found.digests
    result("architecture").write(tmp_path / "architecture")
    assert read_choices(tmp_path).digests != before
