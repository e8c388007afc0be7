"""Optuna's tree-structured Parzen estimator (Bergstra et al. 2011; Akiba et al. 2019, arXiv 1907.10902).

The first batch is a Latin hypercube: few purely random points may all fall into one corner. Points that were ended early
are told as pruned with what they reached, and failed ones as pruned with nothing, which the estimator ranks last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from studylib.search.sampler import Sampler
from studylib.search.tried import Point, Tried

__all__ = ["TPE"]


class TPE(Sampler):
    def propose(self, tried: Sequence[Tried], count: int) -> list[Point]:
        if not tried:
            shares = qmc.LatinHypercube(len(self.spec.space), rng=np.random.default_rng(self.spec.seed)).random(count)
            return [
                {key: axis.at(float(s)) for (key, axis), s in zip(self.spec.space.items(), row, strict=True)}
                for row in shares
            ]
        from studylib.search._optuna import distributions, study_of

        study = study_of(self.spec, tried, seed=self.spec.seed * 1_000_003 + len(tried))
        space = distributions(self.spec)
        asked = [study.ask(space).params for _ in range(count)]
        return [{key: axis.at_value(point[key]) for key, axis in self.spec.space.items()} for point in asked]
