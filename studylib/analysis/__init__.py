"""From trials to a decision: paired statistics, fits, and what they can and cannot carry.

No torch here. Names load on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "curves": ["read_curves"],
        "noise": ["NoiseFloor", "noise_floor", "minimum_detectable_effect", "seeds_needed"],
        "paired": ["compare_to_baseline", "holm", "estimate"],
        "decision": ["Decision", "decide"],
        "next_run": ["NextRun"],
        "equalise": ["Slope", "token_slope", "memory_slope", "at_equal_flops", "at_equal_seconds", "at_equal_memory"],
        "accounting": ["three_decisions"],
        "transfer": [
            "TokensSaved",
            "tokens_saved",
            "ladder_slope",
            "at_equal_target_tokens",
            "forgetting",
            "best_ratio",
        ],
        "coordinates": ["growth_with_width"],
        "effects": ["EffectScaling", "effects_by_size", "scale_effects", "settled_at_target"],
        "additivity": ["Additivity", "check_additivity"],
        "sensitivity": ["common_rate_cost", "learning_rate_sensitivity"],
        "finished": ["finished_variants", "judged"],
        "speed": ["measured_speeds", "time_saved"],
        "probes": ["read_facts", "read_infilling", "read_positions", "read_contexts"],
        "experts": ["read_expert_load", "read_imbalance", "load_summary"],
        "valleys": ["Valley", "Valleys", "fit_valleys"],
        "carried": ["CarriedOptimum", "Choice"],
        "rates": ["RateTransfer", "rate_transfer"],
        "along": ["MidRun", "mid_run"],
        "gain": ["GainTrend", "gain_trends", "relative_gains"],
        "shape": ["BuildableShape", "buildable_shape"],
        "anchors": ["score", "outcome"],
    },
)
