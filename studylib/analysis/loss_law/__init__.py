"""The loss as a law of model size and training tokens: forecasts with their error, and their track record."""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "forecasting": ["Counting", "Forecast", "Forecaster", "fit_forecaster", "forecast"],
        "backtesting": ["backtest"],
        "published": ["PublishedLaw", "published_law"],
    },
)
