"""A run is expected to save what it saves on average, and following the list is worth its trouble."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studylib.analysis.reliability import Reliability
from studylib.analysis.simulated_budget import BUDGETS, EVEN, simulate_budget
from studylib.analysis.value_of_runs import Beliefs, SeenChoice, allocate
from studylib.errors import StudyError

SIZES, TARGET = (1e8, 1e9), 1e10
RELIABLE = Reliability(np.array([3.0, 6.0, 12.0]))
CLOSE = SeenChoice([0.0, 0.1, 0.3, 0.8], [0.0, 0.1, 0.1, 0.1], 1e7, 0.15)


def beliefs(*choices: SeenChoice) -> Beliefs:
    return Beliefs.of(choices, RELIABLE, SIZES, TARGET)


@pytest.mark.parametrize(
    "known",
    [CLOSE, replace(CLOSE, there=[(0.0, 0.0), (-0.3, 0.8), (0.2, 0.8), (0.5, 1.0)])],
    ids=["one size", "all sizes"],
)
def test_what_a_run_is_expected_to_leave_is_what_it_leaves_on_average(known: SeenChoice):
    studies, generator = 1500, np.random.default_rng(0)
    one, many = beliefs(known), beliefs(*[known] * studies)
    places, variants = one.mean.shape[1:]
    root = np.linalg.cholesky(one.covariance[0].reshape(places * variants, -1) + 1e-9 * np.eye(places * variants))
    drawn = generator.standard_normal((studies, places * variants)) @ root.T
    truth = one.mean + drawn.reshape(studies, places, variants)
    rows, target = np.arange(studies), truth[:, -1]
    assert (target[:, one.best[0]] - target.min(axis=1)).mean() == pytest.approx(one.regret[0], rel=0.1)
    seen = truth[:, 2] + 0.15 / 3**0.5 * generator.standard_normal((studies, variants))
    after = many.seen(2, 3, seen)
    left = (target[rows, after.best] - target.min(axis=1)).mean()
    assert left == pytest.approx(one.planned(2, 3).regret[0], rel=0.12)
    assert after.regret.mean() == pytest.approx(left, rel=0.12), "nor does what is believed then say anything else"


def test_what_all_sizes_say_of_the_target_stands_there_and_moves_the_sizes_before_it():
    alone = beliefs(CLOSE)
    place = 2
    centred = alone.mean[0, -1] - alone.mean[0, -1, 0]
    own = alone.covariance[0, -1, :, -1] - 100.0**2 * np.eye(4)
    sd = np.sqrt(np.diag(own) + own[0, 0])
    same = beliefs(replace(CLOSE, there=[(0.0, 0.0), *zip(centred[1:], sd[1:], strict=True)]))
    np.testing.assert_allclose(same.mean, alone.mean, atol=1e-9)
    turned = beliefs(replace(CLOSE, there=[(0.0, 0.0), (-1.0, 0.4), (0.3, 0.4), (0.8, 0.4)]))
    assert turned.best[0] == 1 and alone.best[0] == 0
    assert (turned.mean[0, -1] - turned.mean[0, -1, 0]).tolist() == pytest.approx([0.0, -1.0, 0.3, 0.8])
    assert turned.mean[0, place, 1] < alone.mean[0, place, 1], "a run there will show some of it"
    np.testing.assert_array_equal(np.sign(np.diff(turned.mean[0, 1:, 1])), -1, "and the more the larger it is")
    assert turned.regret[0] < alone.regret[0], "what is surer there leaves less to regret"


def test_what_is_less_sure_at_the_target_is_not_settled_by_one_smaller_run():
    open_ = replace(CLOSE, there=[(0.0, 0.0), (0.1, 3.0), (0.3, 3.0), (0.8, 3.0)])
    own, before = beliefs(open_), beliefs(CLOSE)
    assert own.regret[0] > 2 * before.regret[0]
    left = [one.planned(1, 100).regret[0] / one.regret[0] for one in (before, own)]
    assert left[1] > 0.25 and left[1] == pytest.approx(left[0], abs=0.25)


def test_larger_models_more_seeds_and_more_variants_say_more():
    own = beliefs(CLOSE)
    by_size = [own.planned(place, 3).regret[0] for place in (1, 2)]
    by_seeds = [own.planned(1, seeds).regret[0] for seeds in (1, 3, 30)]
    by_variants = [own.planned(2, 3, np.arange(4)[None] < count).regret[0] for count in (2, 3, 4)]
    for left in (by_size, by_seeds, by_variants):
        assert own.regret[0] > left[0] and left == sorted(left, reverse=True)
    twice = own.planned(2, 3).planned(2, 3).regret[0]
    assert twice == pytest.approx(own.planned(2, 6).regret[0], rel=1e-3)
    assert own.hoped[0] - own.planned(2, 3).hoped[0] == pytest.approx(own.regret[0] - by_size[1], abs=1e-9)


def test_what_choices_lack_is_not_there():
    alone, beside = (
        beliefs(SeenChoice([0, 0.1], [0, 0.1], 1e7, 0.1)),
        beliefs(SeenChoice([0, 0.1], [0, 0.1], 1e7, 0.1), CLOSE),
    )
    assert beside.regret[0] == pytest.approx(alone.regret[0], rel=0.03) and not beside.open[0, 2:].any()
    assert beside.planned(1, 3).regret[0] == pytest.approx(alone.planned(1, 3).regret[0], rel=0.05)
    clear = beliefs(SeenChoice([0, 5.0, 9.0], [0, 0.1, 0.1], 9e9, 0.1))
    assert clear.regret[0] < 1e-3 and clear.open[0].tolist() == [True, True, False], "the best and the nearest"
    with pytest.raises(StudyError, match="two variants"):
        beliefs(SeenChoice([0.0], [0.0], 1e7, 0.1))


def test_a_budget_goes_where_it_gains_most():
    gains, costs = np.array([[1.0, 1.5], [0.5, 4.0], [0.1, 0.2]]), np.array([[1.0, 10.0], [1.0, 10.0], [1.0, 10.0]])
    assert allocate(gains, costs, 0.5).tolist() == [-1, -1, -1]
    assert allocate(gains, costs, 2.0).tolist() == [0, 0, -1] or allocate(gains, costs, 2.0).tolist() == [0, -1, -1]
    assert allocate(gains, costs, 11.0).tolist() == [0, 1, -1] and allocate(gains, costs, 99.0).tolist() == [1, 1, 1]
    both = allocate(np.stack([gains, gains]), np.stack([costs, costs]), np.array([11.0, 99.0]))
    assert both.tolist() == [[0, 1, -1], [1, 1, 1]]


@pytest.fixture(scope="module")
def simulated():
    return simulate_budget(3, Reliability(np.full(4, 6.0)))


def test_simulated_studies_pay_for_what_they_learn(simulated):
    assert simulated.even.hours.shape == simulated.even.regret.shape == (3, len(EVEN))
    assert (np.diff(simulated.ladder.regret.mean(axis=0)) < 0).all() and (np.diff(simulated.ladder.hours) > 0).all()
    assert (simulated.followed.hours <= np.array(BUDGETS) + 1e-9).all(), "no list spends more than there is"
    hours, regret = simulated.curve()
    assert (np.diff(hours) > 0).all() and regret[0] == pytest.approx(simulated.before.mean()) and regret[-1] < regret[0]
    corners = simulated.best_even()
    assert [hours for _, hours, _ in corners] == sorted(hours for _, hours, _ in corners)


def test_the_finding_says_what_was_saved(simulated):
    from studylib.findings import BudgetFollowed

    found = BudgetFollowed.of(simulated)
    assert found.studies == 3 and found.saved[0] <= found.saved[1] <= found.saved[2]
    assert f"the best even spreading takes {found.saved[1]:.1f} times its compute" in found.title(**found.facts).en
    assert found.figure().axes[0].get_xlabel() == "GPU-hours"
