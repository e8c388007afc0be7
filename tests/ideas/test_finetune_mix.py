"""Idea 6: what it plans and what follows from its outcomes, and what its tables say of numbers whose truth is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.data.chat.seen import Piece
from studylib.errors import StudyError
from studylib.ideas.finetune_mix import published, rounds, tables
from studylib.ideas.finetune_mix.asked import asked_by
from studylib.ideas.finetune_mix.schema import FinetuneMixParams
from studylib.ideas.finetune_mix.trials import plan as plan_steps
from studylib.ideas.finetune_mix.tunings import mixture_trial, mixtures, pretrained
from studylib.notebook import marked
from studylib.params import load_params
from studylib.project import project_root
from studylib.registry import IDEAS
from studylib.result import Text
from studylib.spec import EvaluationSpec, LikelihoodSpec, TrialSpec, apply
from tests.handed_on import says_how_it_was_compared

INSTRUCT = {"register": "instruct", "bytes": 100_000}
KINDS = {
    "choice": {"options": INSTRUCT | {"task": "multiple_choice"}},
    "talk": {"options": INSTRUCT | {"task": "conversation"}},
    "free": {"options": INSTRUCT | {"task": "free"}},
}
PARAMS = FinetuneMixParams(
    data={"sources": [{"name": "ja", "options": {"register": "ja", "bytes": 100_000}}]}, kinds=KINDS, design=(1, 2),
    orders={"talk last": (("choice", "free"), ("talk",))}, wordings=(1, 16), row_shares=(0.25,), epochs=(1, 4), seq_len=128,
    num_layers=2,
)  # fmt: skip


def plan(params=PARAMS) -> list[TrialSpec]:
    return [step for step in plan_steps(params) if isinstance(step, TrialSpec)]


def by_family(family: str, params=PARAMS) -> list[TrialSpec]:
    return [spec for spec in plan(params) if spec.tags["family"] == family]


def test_mixtures_are_centroids_and_that_of_all_is_always_there():
    assert {name: list(shares.values()) for name, shares in mixtures(PARAMS).items()} == {
        "only choice": [1.0], "only talk": [1.0], "only free": [1.0], "choice + talk": [0.5, 0.5], "choice + free": [0.5, 0.5],
        "talk + free": [0.5, 0.5], "even": [1 / 3, 1 / 3, 1 / 3],
    }  # fmt: skip
    assert list(mixtures(PARAMS.replace(design=()))) == ["even"]


def test_every_mixture_tries_the_same_rates_at_the_first_seed_and_reads_as_many_tokens():
    specs = by_family("mixture")
    assert len({spec.hash for spec in specs}) == len(specs) == 7 * 3 + 2
    assert len({(spec.train_tokens, spec.model, spec.data.hash, spec.start_from) for spec in specs}) == 1
    assert {spec.start_from for spec in specs} == {pretrained(PARAMS).hash}
    tried = {}
    for spec in specs:
        tried.setdefault((spec.tags["variant"], spec.seed), []).append(spec.optimizer.learning_rate)
    assert {tuple(sorted(rates)) for (_, seed), rates in tried.items() if seed == 0} == {(5e-4, 1e-3, 2e-3)}
    assert {name: rates for (name, seed), rates in tried.items() if seed} == {"even": [1e-3]}
    for spec in specs:
        (stage,) = spec.stages
        assert stage.mixture == {kind: spec.tags[f"share of {kind}"] for kind in KINDS if spec.tags[f"share of {kind}"]}
        assert sum(stage.mixture.values()) == pytest.approx(1) and "ja" not in stage.mixture
        assert spec.train_steps in spec.keep_steps, "it may be asked, and gone on from"


def test_tunings_are_judged_on_all_kinds_and_on_the_text_of_the_pre_training_by_its_tokenizer():
    base = pretrained(PARAMS)
    for spec in plan():
        judged = [source.label for source in spec.data.sources if not source.auxiliary]
        assert judged == (["ja"] if spec.hash == base.hash else ["ja", *KINDS])
        assert spec.data.vocabulary.hash == base.data.vocabulary.hash
        assert spec.objective.name == ("causal" if spec.hash == base.hash else "answers")
        judged_on = spec.eval_tokens // len(judged)
        assert judged_on == base.eval_tokens, "what is forgotten is of the very same text"
    assert base.data.vocabulary.texts.keys() == {"ja"}, "no answer is in the tokenizer's sample"
    seeing = PARAMS.replace(tokenizer_sees="kinds")
    assert {spec.data.vocabulary.hash for spec in plan(seeing)} == {seeing.pretrained_on.vocabulary.hash}
    assert seeing.pretrained_on.vocabulary.texts.keys() == {"ja", *KINDS}
    assert [source.label for source in pretrained(seeing).data.sources] == ["ja"]
    chatml = PARAMS.replace(**{"data.chat_template": "chatml"})
    assert "<|im_end|>" in pretrained(chatml).data.tokenizer.known_pieces
    both = chatml.replace(tokenizer_sees="kinds")
    assert "<|im_end|>" in pretrained(both).data.tokenizer_spec.known_pieces
    assert {spec.data.chat_template for spec in plan(chatml)} == {"chatml"}


def test_few_rows_are_read_again_and_as_many_tokens_are_new_ones_elsewhere():
    cells = {(spec.tags["rows"], spec.tags["epochs"]): spec for spec in by_family("amount") if spec.seed == 1}
    whole = 65_536 // 128
    assert cells.keys() == {(whole // 4, 1), (whole // 4, 4), (whole, 1)}
    assert cells[whole // 4, 4].train_tokens == cells[whole, 1].train_tokens == 4 * cells[whole // 4, 1].train_tokens
    assert [cells[key].epochs for key in ((whole // 4, 4), (whole, 1))] == [4, 1]
    assert cells[whole, 1].hash == mixture_trial(PARAMS, "even", 1.0, 1).hash, "trained once"
    assert not by_family("amount", PARAMS.replace(row_shares=()))


def test_wordings_differ_in_nothing_else_and_none_is_of_what_judges():
    specs = by_family("wordings")
    assert {spec.tags["wordings"] for spec in specs} == {1, 16}
    assert len({(spec.data.hash, spec.train_tokens, spec.optimizer) for spec in specs}) == 1
    sources = {source.label: source for source in specs[0].data.sources}
    for spec in specs:
        for label in spec.stages[0].mixture:
            assert sources[label].auxiliary and sources[label].options["wordings"] == spec.tags["wordings"]
            kind = label.split(",")[0]
            assert sources[label].options["start"] > sources[kind].options.get("start", 0) + 1_000_000
            assert sources[label].options["bytes"] == 33_334, "as much as an even mixture reads of a kind"
    own = PARAMS.replace(kinds=KINDS | {"mine": {"kind": "chat", "options": {"path": "mine.jsonl"}}}, orders={})
    mixed = by_family("wordings", own)[0].stages[0].mixture
    assert len(mixed) == 3 and not any("mine" in label for label in mixed), "wordings of one's own text are not known"


def test_a_longer_tuning_is_of_some_kinds_with_its_own_steps_and_asked_at_the_seeds_that_judge():
    longer = {"kinds": ["choice"], "train_tokens": 128 * 4 * 50, "learning_rate": 2e-3}
    params = PARAMS.replace(longer=longer, seeds=(0, 1, 2))
    specs = by_family("longer", params)
    assert [(spec.seed, spec.tags["variant"]) for spec in specs] == [(seed, "only choice (longer)") for seed in (1, 2)]
    for spec in specs:
        assert (spec.train_steps, spec.global_batch_size, spec.optimizer.learning_rate) == (50, 4, 2e-3)
        assert spec.stages[0].mixture == {"choice": 1.0} and spec.start_from == pretrained(params).hash
    asked = {one.trial.hash for one in plan_steps(params) if isinstance(one, EvaluationSpec)}
    assert {spec.hash for spec in specs} <= asked
    of_all = by_family("longer", params.replace(longer=longer | {"kinds": []}))
    assert of_all[0].stages[0].mixture.keys() == KINDS.keys() and of_all[0].tags["variant"] == "even (longer)"
    assert not by_family("longer", params.replace(longer=None))
    with pytest.raises(ValueError, match=r"longer\.kinds: 'chioce' is not a kind"):
        params.replace(longer=longer | {"kinds": ["chioce"]})


def test_orders_give_each_kind_as_many_rows():
    orders = {spec.tags["variant"]: spec for spec in by_family("order")}
    assert list(orders) == ["all at once", "talk last"]
    assert (
        orders["all at once"].hash
        == mixture_trial(PARAMS, "even", 1.0, 0).replace(seed=orders["all at once"].seed).hash
    )
    first, last = orders["talk last"].stages
    assert (first.fraction, last.fraction) == pytest.approx((2 / 3, 1 / 3)) and list(last.mixture) == ["talk"]


@pytest.fixture
def finished(finish, tmp_path):
    """A study whose mixtures came out: what is told as best is, and at twice the rate; ``failed`` trials did not finish."""

    def finished(best: str, *, failed=lambda trial: False, **changes) -> FinetuneMixParams:
        params = PARAMS.replace(out=str(tmp_path), **changes)
        trials = [*by_family("mixture", params), *rounds_of_all_rates(params)]
        for trial in trials:
            if failed(trial):
                continue
            loss = 1.0 + (trial.tags["variant"] != best) + 0.1 * abs(math.log2(trial.tags["lr_factor"]) - 1)
            values = {kind: {"loss": 2 * loss, "bpb": loss + place / 8} for place, kind in enumerate(KINDS)}
            finish(tmp_path, trial, val=values | {"ja": {"loss": 1.0, "bpb": 1.0}})
        return params

    return finished


def rounds_of_all_rates(params):
    return [
        mixture_trial(params, name, factor, seed)
        for name in mixtures(params) for factor in params.lr_factors for seed in params.seeds
    ]  # fmt: skip


def test_the_seed_that_chose_a_rate_does_not_judge(finished):
    params = finished("talk + free")
    assert rounds.best_factors(params) == dict.fromkeys(mixtures(params), 2.0)
    judged = rounds.judged(params)
    assert {trial.seed for trial in judged} == {1, 2} and {trial.tags["rate"] for trial in judged} == {2e-3}
    assert rounds.best_mixture(params) == "talk + free"
    one_rate = params.replace(lr_factors=[1.0])
    assert {trial.seed for trial in rounds.judged(one_rate)} == {0, 1, 2}, "nothing was chosen"


def test_a_mixture_with_a_failed_seed_is_not_the_best_and_without_any_there_is_none(finished):
    params = finished("talk + free", failed=lambda trial: (trial.tags["variant"], trial.seed) == ("talk + free", 2))
    assert rounds.best_mixture(params) != "talk + free"


def test_without_a_finished_mixture_the_study_says_so(finished):
    params = finished("even", failed=lambda trial: trial.seed == 1)
    with pytest.raises(StudyError, match="no mixture finished at all the seeds that judge"):
        rounds.best_mixture(params)


def test_preferences_go_on_from_the_best_and_the_even_mixture_of_the_same_seed(finished):
    params = finished("talk + free")
    (first,) = IDEAS["finetune_mix"].rounds(params)
    trials, (second,) = first.then()
    assert {trial.name for trial in trials} == set(second.after) == {trial.name for trial in rounds.judged(params)}
    steps, none = second.then()
    assert not none and len(steps) <= second.expected and first.expected == second.expected + 7 * 2
    trained = [step for step in steps if isinstance(step, TrialSpec)]
    starts = {trial.hash: trial for trial in rounds.judged(params)}
    for trial in trained:
        start = starts[trial.start_from]
        name = {"best": "talk + free", "plain": "even"}[trial.tags["start"]]
        assert (start.tags["variant"], start.seed, start.optimizer.learning_rate) == (name, trial.seed, 2e-3)
        assert trial.stages[0].mixture == {"pairs": 1.0}
    assert {(t.tags["start"], t.tags["method"], t.tags.get("beta")) for t in trained} == {
        *((start, loss, beta) for start in ("best", "plain") for loss, beta in (("dpo", 0.1), ("dpo", 0.5), ("dpo_norm", 2.0), ("dpo_norm", 10.0))),
        ("best", "reward", None), ("best", "rloo", 0.05), ("best", "rloo", 0.5),
    }  # fmt: skip
    rewards = {trial.seed: trial.hash for trial in trained if trial.tags["family"] == "reward"}
    for trial in trained:
        if trial.tags["family"] == "policy":
            assert trial.objective.reward_from == rewards[trial.seed]
    read = {name for trial in trained for name in trial.reads if name.startswith("likelihoods/")}
    assert read == {step.name for step in steps if isinstance(step, LikelihoodSpec)} and len(read) == 2 * 2


def test_where_the_even_mixture_is_the_best_there_is_one_start(finished):
    params = finished("even")
    starts = rounds.starts(params, rounds.best_mixture(params), 1)
    assert list(starts) == ["best"] and starts["best"].tags["variant"] == "even"


def test_who_is_asked_what(finished):
    params = finished("talk + free")
    asked = rounds.evaluations(params)
    assert len({one.hash for one in asked}) == len(asked), "each is asked once"

    def of(benchmark: str) -> list[tuple[str, int]]:
        return sorted((str(one.trial.tags["variant"]), one.trial.seed) for one in asked if one.benchmark == benchmark)

    mixed = [(name, seed) for name in ("even", "talk + free") for seed in (1, 2)]
    worded = [(name, seed) for name in ("1 wording", "16 wordings") for seed in (1, 2)]
    assert of("multiple_choice") == sorted([("pre-trained", 0), *mixed, *worded])
    assert of("exact_match") == sorted([("pre-trained", 0), *mixed])
    answers = [one for one in asked if one.benchmark == "written"]
    assert len(answers) == 2 * (2 * (1 + 4) + 2)
    for one in answers:
        begun = one.trial.tags.get("method") is None
        assert (one.reference is None) == begun and (begun or one.reference.hash == one.trial.start_from)
        assert one.reward_model.seed == one.trial.seed
    nothing = params.replace(questions=None, recalled=None, written=None)
    assert rounds.evaluations(nothing) == []
    assert not [step for step in plan_steps(nothing) if isinstance(step, EvaluationSpec)]


def test_text_of_ones_own_is_a_matter_of_parameters(tmp_path):
    rows = {
        "chat.jsonl": {"messages": [{"role": "user", "content": "こんにちは"}, {"role": "assistant", "content": "はい"}]},
        "qa.jsonl": {"instruction": "首都は", "input": "", "output": "東京"}, "pairs.jsonl": {"prompt": "首都は", "chosen": "東京", "rejected": "京都"},
        "choices.jsonl": {"question": "首都は", "choices": ["東京", "京都"], "answer_index": 0},
        "more.jsonl": {"question": "古都は", "choices": ["東京", "京都"], "answer_index": 1},
    }  # fmt: skip
    for name, row in rows.items():
        (tmp_path / name).write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")

    def chat(name: str, **options) -> dict:
        return {"kind": "chat", "options": {"path": str(tmp_path / name)} | options}

    params = FinetuneMixParams(
        data={"sources": [{"kind": "files", "options": {"path": str(tmp_path / "text")}}]}, kinds={"talk": chat("chat.jsonl"), "qa": chat("qa.jsonl")},
        design=(1,), wordings=(), preferences={"source": chat("pairs.jsonl", pairs=True)}, questions={"path": str(tmp_path / "choices.jsonl")},
        recalled=None, written=None, benchmarks={"more": {"benchmark": "multiple_choice", "path": str(tmp_path / "more.jsonl")}},
    )  # fmt: skip
    asked = [step for step in plan_steps(params) if isinstance(step, EvaluationSpec)]
    assert [Path(one.path).name for one in asked] == ["choices.jsonl", "more.jsonl"]
    assert {one.trial.tags["family"] for one in asked} == {"pretrained"}
    (question,) = asked_by(params, "questions", asked)
    assert Path(question.path).name == "choices.jsonl", "further benchmarks are not among the questions"
    assert asked_by(params, "written", asked) == []
    assert params.preferring_data.sources[-1].options["pairs"]


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    params = load_params(project_root() / "params" / scale / "finetune_mix.yaml")
    specs = plan(params)
    assert params.scale == scale and {spec.tags["family"] for spec in specs} >= {"pretrained", "mixture"}
    hashes = {}
    for spec in specs:
        hashes.setdefault(spec.hash, set()).add(spec.tags["family"])
    shared = [families for families in hashes.values() if len(families) > 1]
    assert len(shared) <= len(params.seeds), "the even mixture alone is trained for several families"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kinds": {"a": {}}}, r"kinds: \['a'\] are too few"),
        ({"kinds": {"ja": {}, "b": {}}}, "kinds: 'ja' names another source too"),
        ({"kinds": {"pairs": {}, "b": {}}}, "kinds: 'pairs' names another source too"),
        ({"kinds": KINDS | {"talk": {"name": "x"}}}, "kinds.talk.name: 'x' is given beside the kind's name"),
        ({"kinds": KINDS | {"talk": {"auxiliary": True}}}, "kinds.talk.auxiliary: True would leave its answers unjudged"),
        ({"design": (4,)}, "design: 4 is more than the 3 kinds"),
        ({"lr_factors": (2.0,)}, r"lr_factors: \(2.0,\) leave out 1"),
        ({"seeds": (0, 1)}, r"seeds: \[0, 1\] are too few: one chooses rates, and two at least must judge"),
        ({"seeds": (0,), "lr_factors": (1.0,)}, r"seeds: \[0\] are too few: two must judge"),
        ({"orders": {"x": (("choice", "tolk"), ("free",))}}, "orders.x: 'tolk' is not a kind; .*did you mean talk"),
        ({"orders": {"x": (("choice", "talk"), ("talk", "free"))}}, "orders.x: 'talk' stands in it 2 times"),
        ({"orders": {"x": (("choice",), ("talk",))}}, "orders.x: 'free' stands in it 0 times"),
        ({"kinds": {k: {"kind": "chat", "options": {"path": k}} for k in "ab"}, "orders": {}, "design": ()}, "wordings: .* give none"),
        ({"preferences": None}, "policy: 'rloo' needs preferences"),
        ({"policy.objective": {"name": "reward"}}, "policy.objective.name: 'reward' learns from no reward model"),
        ({"preferences.losses": {"ppo": (0.1,)}}, "preferences.losses.ppo"),
        ({"questions": {"question": 3}}, "key 'question' in questions: 3 is not known; .*did you mean questions"),
        ({"benchmarks": {"x": {"benchmark": "exact"}}}, "benchmarks.x.benchmark: 'exact' is not a benchmark; .*exact_match"),
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused(change, says):
    with pytest.raises(StudyError, match=says):
        PARAMS.replace(**change)


RANDOM = np.random.default_rng(0)


def simulated(losses: dict[str, dict[str, float]], family: str = "mixture", **columns) -> pl.DataFrame:
    """Trials of a family at the usual rate whose truth is known, by variant and kind."""
    rows = []
    for name, own in losses.items():
        for seed in range(3):
            noisy = {kind: value + RANDOM.normal(0, 0.002) for kind, value in own.items()}
            rows.append({
                "family": family, "variant": name, "size": "101k", "seed": seed, "status": "done", "hash": f"{family}/{name}/{seed}",
                "lr_factor": 1.0, "rate": 1e-3, "val_bpb": 9.0, "val_loss": 9.0, "val_bpb/ja": 1.1, "val_loss/ja": 2.2,
                "non_embedding_params": 101_000, "flops": 1e9,
                **{f"val_bpb/{kind}": value for kind, value in noisy.items()},
                **{f"val_loss/{kind}": 2 * value for kind, value in noisy.items()},
                **{name_: values[name] for name_, values in columns.items()},
            })  # fmt: skip
    return pl.DataFrame(rows)


BEFORE = pl.DataFrame(
    {
        "family": ["pretrained"],
        "variant": ["pre-trained"],
        "size": ["101k"],
        "status": ["done"],
        "seed": [0],
        "val_bpb/ja": [0.9],
    }
)
TRUTH = {
    "even": {"choice": 1.0, "talk": 1.0, "free": 1.0}, "only choice": {"choice": 0.8, "talk": 2.0, "free": 2.0},
    "only talk": {"choice": 2.0, "talk": 0.8, "free": 2.0}, "only free": {"choice": 2.0, "talk": 2.0, "free": 0.8},
    "choice + talk": {"choice": 0.9, "talk": 0.9, "free": 1.5}, "choice + free": {"choice": 0.9, "talk": 1.5, "free": 0.9},
    "talk + free": {"choice": 1.5, "talk": 0.9, "free": 0.9},
}  # fmt: skip


def test_what_is_learnt_shows_conversations_and_counts_those_beyond_the_context(tmp_path):
    names = ["霧浜", "月見坂", "青砥島", "鳴瀬谷", "白樺台", "金糸峠", "椿山", "小夜川", "雁木町", "御影原"]
    talks = [(f"{one}から{other}へ行く道は？", f"{other}の灯台を目印に。") for one in names for other in names]
    talks += [(f"{one}の昔話を。", f"{one}の人々は、" + "舟を出して網を引き、" * 60) for one in names]  # cut
    talks += [(f"{one}のことを短く。" + "潮の香りがする町です。" * 60, f"{one}です。") for one in names]  # left out
    kinds = {}
    for kind, own in (("long", talks), ("short", talks[:100])):
        file = tmp_path / f"{kind}.jsonl"
        rows = ({"prompt": prompt, "completion": f"{kind}。{answer}"} for prompt, answer in own)
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        kinds[kind] = {"kind": "chat", "options": {"path": str(file)}}
    data = {
        "sources": [{"name": "ja", "options": {"register": "ja", "bytes": 60_000}}],
        "tokenizer": {"vocab_size": 600},
    }
    params = FinetuneMixParams(data=data, kinds=kinds, design=(1,), wordings=(), seq_len=96, out=str(tmp_path / "out"))
    shown = tables.WhatIsLearnt(params)
    counts = {one["kind"]: one for one in shown.counts}
    assert 8 <= counts["long"]["cut"] <= 10 and 8 <= counts["long"]["left out"] <= 10  # a few are held out
    assert counts["short"]["cut"] == counts["short"]["left out"] == 0
    assert 60 <= counts["short"]["conversations"] < counts["long"]["conversations"] < 120
    assert "<mark" in shown._repr_html_() and "left out" in shown._repr_html_()


def judged_trials() -> pl.DataFrame:
    amounts = simulated(
        {name: dict.fromkeys(KINDS, loss) for name, loss in (("64 rows x 4", 1.005), ("256 rows x 1", 1.0), ("64 rows x 1", 1.2))},
        "amount", rows={"64 rows x 4": 64, "256 rows x 1": 256, "64 rows x 1": 64}, epochs={"64 rows x 4": 4, "256 rows x 1": 1, "64 rows x 1": 1},
    )  # fmt: skip
    return tables.on_answers(PARAMS, pl.concat([BEFORE, simulated(TRUTH), amounts], how="diagonal_relaxed"))


def test_answers_decide_and_forgetting_is_counted_from_before_the_tuning():
    tuned = judged_trials()
    assert set(tuned["family"]) == {"mixture", "amount"}
    even = tuned.filter(pl.col("variant") == "even")
    assert even["val_bpb"].to_list() == pytest.approx([1.0] * 3, abs=0.01) and even["val_loss"].mean() == pytest.approx(
        2.0, abs=0.01
    )
    assert tuned["forgotten"].to_list() == pytest.approx([0.2] * len(tuned))
    with pytest.raises(StudyError, match="the pre-training did not finish"):
        tables.on_answers(PARAMS, BEFORE.with_columns(status=pl.lit("crashed")))
    failed = pl.DataFrame(
        {"family": ["mixture"], "variant": ["even"], "status": ["crashed"], "message": ["talk is too long"]}
    )
    with pytest.raises(StudyError, match="no tuning finished, so nothing can be compared: crashed, talk is too long"):
        tables.on_answers(PARAMS, pl.concat([BEFORE, failed], how="diagonal_relaxed"))


def test_mixtures_are_judged_at_the_rate_that_was_best_for_them(finished):
    params = finished("talk + free", failed=lambda trial: trial.tags["variant"] == "only free")
    both = pl.concat(
        [simulated(TRUTH).with_columns(lr_factor=pl.lit(factor), rate=factor * 1e-3) for factor in (1.0, 2.0)]
    )
    judged = tables.at_best_rates(params, both)
    assert (
        set(judged["lr_factor"]) == {2.0}
        and set(judged["seed"]) == {1, 2}
        and "only free" not in set(judged["variant"])
    )
    setting = tables.rate_setting(judged, "even")
    assert (setting.field, setting.value, setting.alternatives, setting.sizes) == (
        "optimizer.learning_rate",
        2e-3,
        (),
        ("101k",),
    )
    assert apply([setting], plan()[0], phase="fine-tuning").optimizer.learning_rate == 2e-3
    assert apply([setting], plan()[0]) == plan()[0], "it is none of the pre-training's"


def test_rates_at_the_edge_of_those_tried_are_named():
    rows = [
        {"variant": name, "rate": factor * 1e-3, "lr_factor": factor, "status": "done", "val_bpb": 1 + abs(math.log2(factor / best))}
        for name, best in (("even", 1.0), ("only talk", 2.0)) for factor in (0.5, 1.0, 2.0)
    ]  # fmt: skip
    found = findings.OwnRates.of(pl.DataFrame(rows), Text(en="mixture", ja="混合"))
    assert [(one.variant, one.rate, one.at_edge) for one in found.tried] == [
        ("even", 1e-3, False),
        ("only talk", 2e-3, True),
    ]
    assert "only talk lies at the edge" in found.said().en and found.figure() is not None
    diverged = [row | {"status": "diverged", "val_bpb": None} if row["lr_factor"] == 2 else row for row in rows]
    assert findings.OwnRates.of(pl.DataFrame(diverged), Text(en="mixture", ja="混合")).tried[1].rate == 1e-3
    assert findings.OwnRates.of(pl.DataFrame(rows[:1]), Text(en="mixture", ja="混合")) is None


def test_what_is_trained_once_for_several_families_is_compared_once():
    tuned = judged_trials()
    even = tuned.filter(pl.col("variant") == "even").with_columns(family=pl.lit("order"), variant=pl.lit("all at once"))
    judged = tuned.filter((pl.col("family") == "mixture") & (pl.col("seed") > 0))
    rows = tables.compared(pl.concat([tuned, even]), judged)
    assert "all at once" not in set(rows["variant"]) and {"even", "64 rows x 4"} <= set(rows["variant"])
    assert rows.select("variant", "seed").is_unique().all()
    table = tables.metrics(PARAMS, tuned, judged)
    assert {"choice bpb", "forgotten", "rate"} <= set(tables.columns(PARAMS).values()) and "talk bpb" in table.columns


def test_epochs_and_order_are_handed_on_where_something_was_tried():
    tuned = judged_trials()
    (epochs,) = tables.epochs_settings(tuned, looks=1)
    assert (epochs.field, epochs.value, epochs.basis) == ("epochs", 4, "text") and epochs.p_best > 0.99
    assert says_how_it_was_compared(epochs) and {one.value for one in epochs.tried} > {4}
    assert tables.epochs_settings(tuned.filter(pl.col("family") == "mixture"), looks=1) == ()
    ways = {name: dict.fromkeys(KINDS, loss) for name, loss in (("all at once", 1.0), ("talk last", 0.9))}
    ordered = tables.on_answers(PARAMS, pl.concat([BEFORE, simulated(ways, "order")], how="diagonal_relaxed"))
    (order,) = tables.order_settings(PARAMS, ordered, looks=1)
    assert order.field == "stages" and [stage.name for stage in order.value] == ["choice+free", "talk"]
    assert (
        says_how_it_was_compared(order)
        and order.decision == "order"
        and order.tried[1].behind_percent == pytest.approx(10, abs=5)
    )
    worse = ordered.with_columns(
        pl.when(pl.col("variant") == "talk last").then(2.0).otherwise("val_bpb").alias("val_bpb")
    )
    assert tables.order_settings(PARAMS, worse, looks=1) == (), "the mixture's one stage says it"
    assert tables.order_settings(PARAMS, tuned, looks=1) == ()


def written(scores: dict[str, float]) -> pl.DataFrame:
    """Answers to 20 questions by the variant of the best mixture's models; ``""`` is what they began with."""
    rows = []
    for name, score in scores.items():
        method, _, beta = name.partition(" ")
        for seed in (1, 2):
            for item in range(20):
                rows.append({
                    "family": "mixture" if not name else "policy" if method == "rloo" else "preference",
                    "variant": f"best: {name}" if name else "even", "start": "best", "method": method or None,
                    "beta": float(beta) if beta else None, "size": "101k", "seed": seed, "item": str(item),
                    "score": score + 0.01 * seed + RANDOM.normal(0, 0.01),
                })  # fmt: skip
    return pl.DataFrame(rows)


def test_the_best_way_to_learn_preferences_is_handed_on_and_so_is_that_there_is_none():
    answers = written({"": 0.5, "dpo 0.1": 0.6, "dpo_norm 2": 0.7, "rloo 0.5": 0.55})
    decision = tables.decide_method(answers, looks=1)
    assert decision.leader == "best: dpo_norm 2" and decision.ahead
    given = tables.method_settings(PARAMS, decision, answers)
    told = {one.field: one.value for one in given}
    assert told == {"objective.name": "preference", "objective.loss": "dpo_norm", "objective.beta": 2.0}
    behind = {one.label.removeprefix("best: "): one.behind_percent for one in given[1].tried}
    expected = {
        "dpo_norm 2": 0.0,
        "dpo 0.1": 23,
        "rloo 0.5": 34,
        tables.WITHOUT: 46,
    }  # of the 0.43 that is missed on average
    assert behind == pytest.approx(expected, abs=8)
    assert given[0].seeds == 2 and given[0].params > 1000 and given[0].decision == "preferences"
    answers = written({"": 0.5, "dpo 0.1": 0.6, "rloo 0.5": 0.8})
    policy = tables.decide_method(answers, looks=1)
    told = {one.field: one.value for one in tables.method_settings(PARAMS, policy, answers)}
    assert told == {"objective.name": "policy", "objective.estimator": "rloo", "objective.beta": 0.5}
    answers = written({"": 0.7, "dpo 0.1": 0.6, "dpo_norm 2": 0.5})
    worse = tables.decide_method(answers, looks=1)
    assert worse.leader == tables.WITHOUT
    (only,) = tables.method_settings(PARAMS, worse, answers)
    assert (only.field, only.value) == ("objective.name", "answers")
    assert tables.decide_method(written({"": 0.7}), looks=1) is None
    assert tables.decide_method(pl.DataFrame(), looks=1) is None
    assert tables.method_settings(PARAMS, None, answers) == ()


def test_before_and_after_are_told_apart():
    after, before = tables.before_and_after(written({"": 0.5, "dpo 0.1": 0.6}))
    assert set(after["variant"]) == {"best: dpo 0.1"} and set(before["variant"]) == {"even"}
    assert all(rows.is_empty() for rows in tables.before_and_after(pl.DataFrame()))


def test_scores_are_a_row_a_model_and_score_with_its_error():
    rows = [
        {"benchmark": "exact_match", "variant": name, "seed": seed, "by": by, "group": "", "score": score, "value": value + seed / 100}
        for name, value in (("even", 0.5), ("pre-trained", 0.1)) for seed in (1, 2)
        for by, score in (("all", "exact_match"), ("all", "exact_match_error"), ("sort", "exact_match"))
    ]  # fmt: skip
    assert tables.Scores(pl.DataFrame(rows)).rows == [
        {
            "benchmark": "exact_match",
            "asked": "even",
            "seeds": 2,
            "score": "exact_match",
            "value": "0.515",
            "error": "0.52",
        },
        {
            "benchmark": "exact_match",
            "asked": "pre-trained",
            "seeds": 2,
            "score": "exact_match",
            "value": "0.115",
            "error": "0.12",
        },
    ]


def test_what_is_learnt_of_hostile_text_is_marked_and_escaped():
    row = [
        Piece("<script>", False, False),
        Piece("は", True, False),
        Piece("い</mark>", True, False),
        Piece("</s>", True, True),
    ]
    assert marked(tables._runs(row)).count("<mark>") == 1
    assert "&lt;script&gt;<mark><u>はい&lt;/mark&gt;&lt;/s&gt;</u></mark>" in marked(tables._runs(row))


def questions(accuracy: dict[int, float]) -> pl.DataFrame:
    return pl.DataFrame([
        {"family": "wordings", "variant": f"{count} wordings", "wordings": count, "seed": seed, "item": str(item), "right": float(item < 100 * right + seed)}
        for count, right in accuracy.items() for seed in range(3) for item in range(100)
    ])  # fmt: skip


def anchors(tuned: pl.DataFrame, *asked: pl.DataFrame):
    judged = tuned.filter(pl.col("family") == "mixture")
    return published.anchors(PARAMS, tuned, judged, *asked)


def test_published_findings_are_scored_on_what_was_measured():
    answers = written({"": 0.5, "dpo 0.1": 0.51, "dpo 0.5": 0.49, "dpo_norm 2": 0.7, "rloo 0.05": 0.4, "rloo 0.5": 0.6})
    found = anchors(judged_trials(), questions({1: 0.3, 16: 0.6}), answers)
    outcomes = [one.outcome for one in found]
    assert outcomes[:3] == ["agrees", "agrees", "agrees"], (
        "two kinds beat one elsewhere, four epochs are as good, wordings help"
    )
    assert "1.5" not in found[0].evidence.en and "-0.5" in found[0].evidence.en
    assert outcomes[3:] in (["agrees"] * 3, ["underpowered", "agrees", "agrees"])
    nothing = anchors(judged_trials().filter(pl.col("family") == "none"), pl.DataFrame(), pl.DataFrame())
    assert {one.outcome for one in nothing} == {"underpowered"}
    against = anchors(judged_trials(), questions({1: 0.6, 16: 0.3}), pl.DataFrame())
    assert against[2].outcome == "disagrees"


def test_the_noise_floor_and_the_verdict_are_those_of_the_answers():
    judged = judged_trials().filter(pl.col("family") == "mixture")
    assert analysis.noise_floor(judged).paired_sd < 0.005
    wide = judged.with_columns(
        flops=1e12, tokens=65_536, tokens_per_s=1e5, non_embedding_params=100_000, params=160_000
    )
    accounts = analysis.accountings(wide, reference="even", bases=("flops", "tokens"))
    assert analysis.decisions_at(accounts, "101k")["flops"].leader == "even"
