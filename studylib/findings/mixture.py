"""Which mixture of kinds is best: a surface over the simplex, and the region where its lowest point lies."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from studylib.findings._finding import Finding


class Mixture(Finding):
    name = "mixture"

    @classmethod
    def of(cls, trials: pl.DataFrame, kinds: Sequence[str], metric: str = "val_bpb") -> Mixture | None:
        """None where the finished trials carry no surface: fewer than two mixtures with two seeds in common.

        Parameters
        ----------
        trials
            Of one size, a row a trial: ``variant`` (name of the mixture), ``seed``, ``status``, ``metric`` (what decides: the mean
            over kinds of bits per byte of held-out answers, lower is better), and for each of ``kinds`` a number
            ``share of <kind>``; the shares of a trial add up to 1.
        kinds
            Two to five, in the order of the corners.
        """
        raise NotImplementedError
