"""Where hyperparameters still finds what several ideas share."""

from studylib.ideas._shared.differences import comparison_alt, comparison_title, comparison_words
from studylib.ideas._shared.leaders import BASES, lead_title, leader_words, leaders, p_best_alt, p_best_title
from studylib.ideas._shared.next_run import more_budgets, next_run
from studylib.ideas._shared.numbers import NOTHING, number, span
from studylib.ideas._shared.optimum import carried, not_carried, optima, scaling_alt, scaling_title

__all__ = [
    "BASES", "NOTHING", "carried", "comparison_alt", "comparison_title", "comparison_words", "lead_title", "leader_words",
    "leaders", "more_budgets", "next_run", "not_carried", "number", "optima", "p_best_alt", "p_best_title", "scaling_alt",
    "scaling_title", "span",
]  # fmt: skip
