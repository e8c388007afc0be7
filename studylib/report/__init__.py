"""What people read of a study: notebook pages and the HTML report.

Names load on first use: nothing heavy is imported before a page is written.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "summary": ["metrics_rows", "failures", "provenance", "save_trials"],
        "notebook": ["notebook_html"],
        "build": ["build_report"],
    },
)
