"""Ideas 4, 5 and 6 compare their choices at smaller models too: what those train, what they do not, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest

from studylib.errors import StudyError
from studylib.ideas.data_order import tables as order_tables
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_quality import tables as quality_tables
from studylib.ideas.data_quality.schema import DataQualityParams
from studylib.ideas.finetune_mix import rounds
from studylib.ideas.finetune_mix import tables as mix_tables
from studylib.ideas.finetune_mix.schema import FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import mixtures
from studylib.registry import IDEAS
from studylib.spec import EvaluationSpec, SpeedSpec, TrialSpec

SHAPE = {"num_layers": 1, "hidden_size": 32, "num_heads": 2, "train_tokens": 10_240}
TINY = SHAPE | {"hidden_size": 16, "train_tokens": 5120}
INSTRUCT = {"register": "instruct", "bytes": 100_000}
JA = {"sources": [{"name": "ja", "options": {"register": "ja", "bytes": 100_000}}]}
OWN = {"num_layers": 2, "hidden_size": 64, "num_heads": 4, "train_tokens": 40_960, "seq_len": 64, "seeds": (0, 1, 2)}
WEB = {"options": {"register": "web", "bytes": 100_000}}
PARAMS = {
    "data_order": DataOrderParams(
        **OWN, smaller=[SHAPE, TINY], contexts=[32], scarce={"name": "scarce", "options": {"register": "ja", "bytes": 50_000}}
    ),
    "data_quality": DataQualityParams(
        **OWN, smaller=[SHAPE, TINY], data=JA, raw=WEB, scarce=WEB, told=WEB, cleaning=["length", "kana", "exact"],
        groups={"rules": ["length", "kana"]},
    ),
    "finetune_mix": FinetuneMixParams(
        **OWN, smaller=[one | {"pretrain_tokens": 20_480} for one in (SHAPE, TINY)], data=JA, design=(1, 2),
        kinds={"choice": {"options": INSTRUCT | {"task": "multiple_choice"}}, "talk": {"options": INSTRUCT | {"task": "conversation"}},
               "free": {"options": INSTRUCT | {"task": "free"}}},
    ),
}  # fmt: skip
COMPARED = {"data_order": {"order"}, "data_quality": {"step"}, "finetune_mix": {"pretrained", "mixture"}}


def by_size(steps) -> dict[str, list[TrialSpec]]:
    found: dict[str, list[TrialSpec]] = {}
    for step in steps:
        if isinstance(step, TrialSpec):
            found.setdefault(str(step.tags["size"]), []).append(step)
    return found


@pytest.mark.parametrize("idea", PARAMS)
def test_every_size_compares_the_same_choices_and_the_largest_alone_tries_more(idea):
    params = PARAMS[idea]
    steps = IDEAS[idea].plan(params)
    sizes = by_size(steps)
    assert [one.size for one in params.at_every_size] == list(sizes) and len(sizes) == 3, "smallest first"
    assert params.at_every_size[-1] is params and [one.smaller for one in params.at_every_size[:-1]] == [(), ()]
    *smaller, own = sizes.values()
    choices = [{(t.tags["family"], t.tags["variant"]) for t in trials} for trials in sizes.values()]
    assert choices[0] == choices[1] < choices[2]
    assert {family for family, _ in choices[0]} == COMPARED[idea] < {family for family, _ in choices[2]}
    shapes = [{(t.model.num_layers, t.model.hidden_size) for t in trials} for trials in sizes.values()]
    assert shapes == [{(1, 16)}, {(1, 32)}, {(2, 64)}]
    compared = [[t for t in trials if t.tags["family"] in COMPARED[idea]] for trials in sizes.values()]
    assert len({len(trials) for trials in compared}) == 1, "as many seeds"
    assert {t.data.hash for t in compared[0]} == {t.data.hash for t in compared[2]}, "the same text"
    timed = [trial for step in steps if isinstance(step, SpeedSpec) for trial in step.trials]
    assert timed and {trial.model.hidden_size for trial in timed} == {64}, "one size decides, and its speed is measured"
    assert params.of_own_size(trial for trials in sizes.values() for trial in trials) == own
    assert {len(trials) for trials in smaller} == {len(smaller[0])}


@pytest.mark.parametrize("idea", PARAMS)
def test_without_smaller_models_nothing_else_changes(idea):
    params = PARAMS[idea]
    alone = IDEAS[idea].plan(params.replace(smaller=[]))
    steps = IDEAS[idea].plan(params)
    others = [step for step in steps if not isinstance(step, TrialSpec) or step.tags["size"] == params.size]
    assert [step.hash for step in alone] == [step.hash for step in others]


@pytest.mark.parametrize("idea", PARAMS)
def test_models_shown_are_the_reference_at_every_size_and_another_size_is_asked_for_alone(idea):
    params = PARAMS[idea]
    assert [one.model.hidden_size for one in IDEAS[idea].baselines(params)] == [16, 32, 64]
    changes = IDEAS[idea].at_size(params, 10_000_000.0, ())
    larger = params.replace(
        **{key: value for key, value in changes.items() if "." not in key}
    )  # and of the text as much as it needs
    assert larger.smaller == () and 8e6 < larger.non_embedding_params < 12e6


@pytest.mark.parametrize("idea", PARAMS)
@pytest.mark.parametrize(
    "shape, says",
    [
        ({"num_layers": 2, "hidden_size": 64}, "smaller: '2 x 64' is not smaller than 2 x 64"),
        ({"num_layers": 1, "hidden_size": 128}, "smaller: '1 x 128' is not smaller than 2 x 64"),
        ({"num_layers": 1, "hidden_size": 32}, "smaller: '1 x 32' has .* parameters, as 1 x 32 has; sizes must differ"),
        ({"num_heads": 3}, "32.*3"),
    ],
)
def test_models_that_are_not_smaller_or_of_equal_size_are_refused(idea, shape, says):
    params = PARAMS[idea]
    first = params.smaller[0].model_dump()
    with pytest.raises(StudyError, match=says):
        params.replace(smaller=[first, first | shape])
    with pytest.raises(StudyError, match="heads"):
        params.replace(smaller=[first | {"heads": 2}])


def test_the_figures_panels_hold_every_choice_but_the_reference():
    order, quality, mix = PARAMS.values()
    panels = order_tables.kinds_of_orders(order)
    assert panels["with other text"] == [
        "mixed", "en+code→ja", "en+code→ja, re-warmed", "en+code→ja, replay 10 %", "en+code→ja, re-warmed, replay 10 %",
    ]  # fmt: skip
    assert panels["ja only, sorted"] == [
        "short documents first", "long documents first", "short context first", "long context first",
    ]  # fmt: skip
    assert quality_tables.ways_of_cleaning(quality) == {
        "one step alone, and all": ["all", "only rules", "only exact"], "all but one": [],
    }  # fmt: skip
    assert mix_tables.by_number_of_kinds(mix) == {
        "one kind": ["only choice", "only talk", "only free"],
        "2 kinds": ["choice + talk", "choice + free", "talk + free"],
    }


def test_each_size_has_its_own_best_rates_and_only_the_largest_goes_on(finish, tmp_path):
    params = PARAMS["finetune_mix"].replace(out=str(tmp_path))
    best = dict(zip((one.size for one in params.at_every_size), (0.5, 1.0, 2.0), strict=True))
    for size, trials in by_size(IDEAS["finetune_mix"].plan(params)).items():
        for trial in trials:
            if trial.tags["family"] == "mixture":
                loss = 1.0 + (trial.tags["lr_factor"] != best[size])
                values = {kind: {"loss": loss, "bpb": loss} for kind in params.kinds}
                finish(tmp_path, trial, val=values | {"ja": {"loss": 1.0, "bpb": 1.0}})
    *smaller, last = IDEAS["finetune_mix"].rounds(params)
    for one, own in zip(smaller, params.at_every_size, strict=False):
        trials, none = one.then()
        assert not none and len(trials) == one.expected == len(mixtures(params)) * 2
        assert {(t.tags["size"], t.tags["lr_factor"], t.seed) for t in trials} == {
            (own.size, best[own.size], seed) for seed in (1, 2)
        }
        assert own.size in one.name and set(one.after) == {trial.name for trial in rounds.first_seed(own)}
    trials, (later,) = last.then()
    assert {(t.tags["size"], t.tags["lr_factor"]) for t in trials} == {(params.size, 2.0)}
    for trial in trials:
        values = {kind: {"loss": 1.0, "bpb": 1.0} for kind in params.kinds}
        finish(tmp_path, trial, val=values | {"ja": {"loss": 1.0, "bpb": 1.0}})
    steps, _ = later.then()
    asked = [step.trial if isinstance(step, EvaluationSpec) else step for step in steps]
    assert {str(one.tags["size"]) for one in asked if isinstance(one, TrialSpec)} == {params.size}


def test_what_is_forgotten_counts_from_the_model_of_the_same_size_before_tuning(tmp_path):
    params = PARAMS["finetune_mix"].replace(out=str(tmp_path), smaller=[SHAPE | {"pretrain_tokens": 20_480}])
    small, own = (one.size for one in params.at_every_size)
    common = {"status": "done", "seed": 0, "hash": "x", "val_bpb": 9.0, "val_loss": 9.0}
    kinds = {f"val_{unit}/{kind}": 1.0 for unit in ("bpb", "loss") for kind in params.kinds}
    rows = [
        common | kinds | {"family": "pretrained", "variant": "pre-trained", "size": small, "val_bpb/ja": 2.0},
        common | kinds | {"family": "pretrained", "variant": "pre-trained", "size": own, "val_bpb/ja": 1.0},
        common | kinds | {"family": "mixture", "variant": "even", "size": small, "val_bpb/ja": 2.25},
        common | kinds | {"family": "mixture", "variant": "even", "size": own, "val_bpb/ja": 1.5},
    ]
    found = mix_tables.on_answers(params, pl.DataFrame(rows))
    assert dict(found.select("size", "forgotten").iter_rows()) == {small: 0.25, own: 0.5}
    assert found["val_bpb"].to_list() == [1.0, 1.0]
    with pytest.raises(StudyError, match="the pre-training did not finish"):
        mix_tables.on_answers(params, pl.DataFrame([row for row in rows if row["size"] == small]))
