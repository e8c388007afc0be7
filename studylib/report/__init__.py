"""What people read: figures, notebook pages and the study's HTML report.

Names load on first use: nothing heavy is imported before a figure is drawn or a page is written.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "figures.style": ["theme"],
        "figures.saving": ["save", "show"],
        "figures.quantity": ["ASPECT", "Quantity"],
        "figures.valley": ["valley"],
        "figures.optimum": ["optimum_against_size"],
        "figures.curves": ["learning_curves"],
        "figures.bars": ["forest", "p_best", "throughput"],
        "figures.effects": ["effects", "effect_slopes"],
        "figures.rates": ["learning_rates"],
        "summary": ["metrics_rows", "failures", "provenance", "save_trials"],
        "notebook": ["notebook_html"],
        "build": ["build_report"],
    },
)
