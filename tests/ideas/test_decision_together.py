"""Idea 9, all choices together: at which rate they are made, when they fail, and who is found at fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studylib.analysis import Alone, fails_together
from studylib.files import write_json
from studylib.ideas.decision import rounds, tables
from studylib.ideas.decision.held import ONE_LESS, Held
from studylib.ideas.decision.schema import TUNING_SEED, DecisionParams
from studylib.ideas.decision.trials import baseline, plan
from studylib.recipe.choices import Choices
from studylib.spec import Setting, TrialSpec
from studylib.spec.setting import Tried
from studylib.trials import trials_frame
from studylib.trials.cache import Task

LION = {"optimizer.name": "lion", "optimizer.learning_rate": 1e-3}
GAIN = 0.99  # what each choice makes of the loss


def chosen(field: str, value, there) -> Setting:
    """A measured setting that brings 1 % over the baseline's value."""
    tried = (
        Tried(label="own", value=value, behind_percent=0, sd_percent=0),
        Tried(label="baseline", value=there, behind_percent=1.0, sd_percent=0.2),
    )
    return Setting(
        field=field, value=value, tried=tried, params=36_000, noise_percent=0.3, seeds=3, evidence="measured", sizes=("36k",),
        decided=False, basis="flops", choice=field,
    )  # fmt: skip


CHOICES = Choices(
    settings={
        "architecture": (
            chosen("model.activation", "relu", "swiglu"),
            chosen("model.residual", "post", "pre"),
            chosen("model.norm", "layernorm", "rmsnorm"),
        ),
        "hyperparameters": (
            chosen("optimizer.name", "lion", "adamw"),
            Setting(
                field="optimizer.learning_rate", value=1e-3, choice="optimizer.name", evidence="measured", sizes=("9k",), decided=False,
            ),
        ),
    }
)  # fmt: skip


def is_lion(spec: TrialSpec) -> bool:
    return spec.optimizer.name == "lion"


def is_post(spec: TrialSpec) -> bool:
    return spec.model.residual == "post"


def gains(spec: TrialSpec) -> float:
    """The loss where effects add up; seeds differ by a little, and so do trials of a seed."""
    count = is_lion(spec) + is_post(spec) + (spec.model.activation == "relu") + (spec.model.norm == "layernorm")
    best = 1 + 0.01 * abs(spec.tags.get("lr_factor", 1.0) - 0.5) * is_lion(spec)
    noise = 1 + 2e-4 * ((int(spec.hash, 16) % 7) - 3)
    return 2.0 * (1 + 0.003 * (spec.seed % 5)) * GAIN**count * best * noise


@pytest.fixture
def study(tmp_path, finish, monkeypatch) -> Callable[..., tuple[DecisionParams, list[TrialSpec]]]:
    """Carries out idea 9 where ``loss`` says what comes of a trial (None: it diverges); returns what it trained beside the ladder."""

    def carry_out(loss: Callable[[TrialSpec], float | None], **changes) -> tuple[DecisionParams, list[TrialSpec]]:
        content = {
            "budgets": (12_000, 24_000), "head_dim": 8, "aspect": 8, "seq_len": 64, "tokens_per_param": 3, "global_batch_size": 8,
            "data": {"tokenizer": {"vocab_size": 512}}, "together_lr_factors": (0.5, 2.0), "out": str(tmp_path),
        }  # fmt: skip
        params = DecisionParams(**content | changes)
        monkeypatch.setattr(rounds, "read_choices", lambda folder: CHOICES)
        for spec in plan(params):
            finish(tmp_path, spec, val_bpb=loss(spec))
        waiting, trained = rounds.rounds_of(params), []
        while waiting:
            more, then = waiting.pop(0).then()
            waiting += then
            for spec in more:
                if Task.under(tmp_path, spec).state == "to do":
                    _end(finish, tmp_path, spec, loss(spec))
                    trained.append(spec)
        return params, trained

    return carry_out


def _end(finish, out: Path, spec: TrialSpec, value: float | None) -> None:
    if value is not None:
        finish(out, spec, val_bpb=value)
        return
    folder = out / spec.name
    folder.mkdir(parents=True)
    failed = {"status": "diverged", "message": "loss is nan at step 3", "seconds": 1.0, "at": 0.0}
    write_json(folder / "failure.json", failed)


def held_in(params: DecisionParams) -> Held:
    return Held.of(params, rounds.combined(params))


def of_family(specs: list[TrialSpec], family: str) -> list[TrialSpec]:
    return [spec for spec in specs if spec.tags["family"] == family]


def test_choices_that_go_together_are_tuned_and_no_more(study):
    params, trained = study(gains)
    rates = of_family(trained, "together's rate")
    assert {(spec.seed, spec.tags["size"]) for spec in rates} == {(TUNING_SEED, "12k")}
    assert sorted(spec.optimizer.learning_rate for spec in rates) == [0.0005, 0.001, 0.002]
    race = of_family(trained, "together")
    assert {spec.optimizer.learning_rate for spec in race} == {0.0005} and len(race) == 6
    assert len(trained) == 9, "they go together, so none is left out"
    held = held_in(params)
    assert held.lr_factor == 0.5 and not held.fails and held.holds and not held.out
    assert held.differences == pytest.approx([100 * (GAIN**4 - 1)] * 3, abs=0.2)
    together = tables.held_together(frame_of(params, trained), held)
    assert (
        together.rate.at_edge and "0.5 times the one that comes with them, the best of 0.5, 1, 2" in together.said().en
    )
    assert tables.at_fault(together, held) is None and tables.failed_together(held) is None


def frame_of(params: DecisionParams, trained: list[TrialSpec]):
    specs = [baseline(params, budget, seed) for budget in params.budgets for seed in params.seeds]
    return trials_frame([*specs, *of_family(trained, "together")], params.folder)


def test_a_choice_that_spoils_the_rest_is_left_out_and_named(study):
    params, trained = study(lambda spec: gains(spec) * (1.5 if is_post(spec) else 1.0))
    out = of_family(trained, "one left out")
    assert len(out) == 4 + 4 + 4, "each alone and each left out at the first seed, then the best two at the two others"
    assert {spec.tags["size"] for spec in out} == {"12k"}
    held = held_in(params)
    (one,) = held.out
    assert held.fails and held.holds and one.part.brief == "residual post" and not one.instead
    assert one.rest == pytest.approx([100 * (GAIN**3 - 1)] * 3, abs=0.3)
    together = tables.held_together(frame_of(params, trained), held)
    found = tables.at_fault(together, held)
    said = found.said()
    assert "At fault is residual post of architecture (alone at" in said.en
    assert (
        "without it the rest is at -3.0 %, by 3 seeds). What is left no longer clearly fails. Alone at that size"
        in said.en
    )
    assert "原因は architecture の residual post" in said.ja and "残りは明らかな失敗ではなくなります" in said.ja
    failed = tables.failed_together(held)
    assert [(one.field, one.value) for one in failed.at_fault] == [("model.residual", "post")] and failed.rest_holds
    assert failed.sum_there_percent == pytest.approx(44.1, abs=0.5) and failed.clash is False
    assert "do not carry over" in said.en and failed.at_fault[0].alone_percent == pytest.approx(48.5, abs=0.5)
    assert failed.percent == pytest.approx(44.1, abs=0.5) and failed.sum_percent == pytest.approx(-4.0)


def test_of_two_that_clash_either_is_enough(study):
    params, _ = study(lambda spec: gains(spec) * (1.4 if is_post(spec) and is_lion(spec) else 1.0))
    held = held_in(params)
    (one,) = held.out
    assert held.clash and held.sum_there == pytest.approx(-3.9, abs=0.3), "alone each of them is a gain"
    assert {one.part.brief, *(other.brief for other in one.instead)} == {"residual post", "optimizer lion"}


def test_one_seed_does_not_say_who_is_at_fault(study):
    """At the first seed the rest looks better without the norm, by the luck of that trial."""

    def loss(spec: TrialSpec) -> float:
        lucky = (
            spec.seed == 0
            and spec.model.norm == "rmsnorm"
            and is_post(spec)
            and is_lion(spec)
            and spec.model.activation == "relu"
        )
        return gains(spec) * (1.5 if is_post(spec) else 1.0) * (0.6 if lucky else 1.0)

    params, _ = study(loss)
    (one,) = held_in(params).out
    came = {part.brief: rest for part, rest in one.tried}
    assert min(came, key=came.get) == "norm layernorm" and one.part.brief == "residual post"


@pytest.mark.parametrize(("most", "found"), [(3, 2), (1, 1), (0, 0)])
def test_it_goes_on_where_the_rest_still_fails_as_far_as_it_may(study, most, found):
    def loss(spec: TrialSpec) -> float:
        return gains(spec) * (1.5 if is_post(spec) else 1.0) * (1.2 if is_lion(spec) else 1.0)

    params, _ = study(loss, leave_out=most)
    held = held_in(params)
    assert [one.part.brief for one in held.out] == ["residual post", "optimizer lion"][:found]
    assert held.fails and held.holds == (found == 2)
    words = tables.at_fault(tables.held_together(frame_of(params, []), held), held).said().en
    assert {0: "at fault is not known", 1: "still fails", 2: "then optimizer lion of"}[found] in words


def test_trials_that_do_not_finish_are_a_failure_too(study):
    params, trained = study(lambda spec: None if is_post(spec) else gains(spec))
    held = held_in(params)
    assert (
        held.lr_factor == 1.0 and held.differences == () and [one.part.brief for one in held.out] == ["residual post"]
    )
    assert [came is None for _, came in held.out[0].tried].count(True) == 3
    assert held.sum_there is None and held.clash is None, "one of them does not finish alone"
    found = tables.at_fault(tables.held_together(frame_of(params, trained), held), held)
    assert found.measured is None and "do not finish at 12k" in found.said().en


def test_where_nothing_finishes_nobody_is_named(study):
    params, _ = study(lambda spec: None if spec.tags["variant"] != "baseline" else gains(spec))
    held = held_in(params)
    assert held.fails and not held.holds and not held.out


def test_the_plan_says_how_many_may_come_and_nothing_is_trained_twice(study):
    params, trained = study(lambda spec: gains(spec) * (1.5 if is_post(spec) else 1.0))
    whole = rounds.combined(params)
    stages = list(Held(params, whole).stages())
    assert [len(stage.trials) for stage in stages] == [3, 6, 8, 6]
    assert stages[1].then == ONE_LESS and stages[1].expected == 4 + (4 + 4) + (3 + 4)
    assert len({spec.hash for spec in trained}) == len(trained)
    again, further = rounds.rounds_of(params)[0].then()
    assert not further and {spec.hash for spec in again} == {spec.hash for spec in trained}


def test_failing_is_worse_than_the_baseline_and_than_the_sum():
    def parts(effect: float, sd: float = 0.2) -> list[Alone]:
        return [Alone("a", effect, sd, "a", 0.3, 3)]

    assert fails_together([], parts(-1.0)) and fails_together([20.0], parts(-1.0))
    assert not fails_together([-0.5, -0.5, -0.5], parts(-9.0)), "less than the sum, and yet a gain"
    assert not fails_together([5.0, 5.1, 4.9], parts(5.0)), "as bad as the sum says"
    assert fails_together([8.0, 8.1, 7.9], parts(5.0)) and not fails_together([8.0, 8.1, 7.9], parts(5.0, sd=3.0))
    assert not fails_together([0.9], parts(0.0)), "one seed, within its noise"
    assert not fails_together([-9.0, 12.0, 3.0], parts(0.0)), "of seeds that scatter so, nobody can say"
