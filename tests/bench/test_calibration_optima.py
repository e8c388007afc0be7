"""The simulated valleys that `study bench calibration` tries optima on."""

from __future__ import annotations

import numpy as np
import pytest

from studylib.bench.calibration.optima import ONE_SIZE, Truth, _one_size


def test_an_oracle_of_an_even_valley_knows_what_least_squares_knows():
    truth = Truth("", shapes=5, seeds=4, noise=1e-4)
    optima = np.array([np.log(24), 0.0])
    u = truth.x - np.log(24)
    slope = (
        2 * truth.curvature * u
    )  # of the loss by the bottom's place; even forms are orthogonal to it, uneven ones are not
    known = truth.noise / np.sqrt(truth.seeds) / np.sqrt((slope**2).sum())
    assert truth.oracle(optima, 0.0)[0] > known
    assert Truth("", shapes=5, seeds=4, noise=1e-2).oracle(optima, 0.0)[0] > 20 * truth.oracle(optima, 0.0)[0]


def test_drawn_truths_differ_from_study_to_study_and_fixed_ones_do_not():
    generator = np.random.default_rng(0)
    drawn = [Truth("", budgets=3, drawn=True).of_one_study(generator) for _ in range(200)]
    assert np.std([one.uneven for one in drawn]) == pytest.approx(0.25, abs=0.05)
    assert np.median([one.noise for one in drawn]) == pytest.approx(0.003, rel=0.3)
    assert min(one.scatter for one in drawn) < 0.02 < 0.1 < max(one.scatter for one in drawn)
    assert Truth("", drawn=True).of_one_study(generator).scatter == 0, "one budget has no law to scatter about"
    assert ONE_SIZE[0].of_one_study(generator) is ONE_SIZE[0]


def test_simulated_studies_are_fitted_and_counted():
    covers, width, basin = _one_size(ONE_SIZE[0], 12, 0)
    assert covers.studies == 12 and covers.measured >= 0.75
    assert 0.5 < width.measured < 4 and not width.share
    assert basin.measured <= 0.3


def test_the_target_scatters_with_the_budgets():
    _, optima, _ = Truth("", budgets=3, scatter=0.0).draw(np.random.default_rng(0))
    assert np.diff(optima)[:2] == pytest.approx(0.1 * np.log(16))
    frame, scattered, _ = Truth("", budgets=3, scatter=0.2).draw(np.random.default_rng(0))
    assert np.diff(scattered)[:2] != pytest.approx(0.1 * np.log(16)) and len(frame) == 3 * 5 * 3
