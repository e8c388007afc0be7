"""What people read: figures, notebook pages and the study's HTML report.

Names load on first use: nothing heavy is imported before a figure is drawn or a page is written.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "figures.style": ["theme"],
        "figures.saving": ["Figures", "save", "show"],
        "figures.quantity": ["ASPECT", "Quantity"],
        "figures.valley": ["valley"],
        "figures.optimum": ["optimum_against_size"],
        "figures.curves": ["learning_curves"],
        "figures.bars": ["forest", "p_best", "throughput"],
        "figures.effects": ["effects", "effect_slopes"],
        "figures.rates": ["learning_rates", "rate_basins"],
        "figures.schedules": ["cooldowns", "gap_along"],
        "figures.epochs": ["repeated"],
        "figures.gains": ["gains"],
        "figures.search": ["search_cost", "importances"],
        "figures.settings": ["settings_table"],
        "figures.coordinates": ["coordinates"],
        "figures.batches": ["batch_basins"],
        "figures.dropout": ["dropout_by_epochs"],
        "figures.infilling": ["infilling"],
        "summary": ["metrics_rows", "failures", "provenance", "save_trials"],
        "notebook": ["notebook_html"],
        "build": ["build_report"],
    },
)
