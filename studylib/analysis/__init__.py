"""From trials to a decision: paired statistics, fits, and what they can and cannot carry.

No torch here. Names load on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "curves": ["read_curves"],
        "noise": ["NoiseFloor", "deciding_size", "noise_floor", "minimum_detectable_effect"],
        "noise_over_sizes": ["NextNoise", "SizeNoise", "next_noise", "noise_by_size"],
        "paired": ["compare_to_baseline", "holm", "estimate"],
        "posterior": ["Posterior", "fit_posterior"],
        "decision": ["Decision", "decide", "decide_from"],
        "by_size": ["Leading", "leading_by_size"],
        "answers": ["accuracy_table", "optimisation_table", "wins_table", "wordings_table"],
        "repeats": ["repeats_table"],
        "costs": ["tuning_costs"],
        "compared": ["Compared"],
        "next_run": ["NextRun"],
        "mixtures": ["MixtureSurface", "fit_mixture"],
        "loss_surface": ["LossSurface", "fit_loss_surface"],
        "equalise": ["Moved"],
        "accounting": ["NoVerdict", "accountings", "decide_moved", "decisions_at", "verdicts_of"],
        "transfer": [
            "TokensSaved",
            "tokens_saved",
            "forgetting",
            "best_ratio",
        ],
        "coordinates": ["growth_with_width"],
        "effects": ["effects_by_size"],
        "at_target": ["AtTarget", "CarriedEffect", "carry_to_target"],
        "additivity": ["Additivity", "check_additivity"],
        "alone": ["Alone", "fails_together", "sum_of_effects"],
        "held_together": ["HeldTogether", "hold_together"],
        "sensitivity": ["common_rate_cost", "learning_rate_sensitivity"],
        "selection": ["judged_by_other_seeds"],
        "finished": ["finished_variants", "judged"],
        "speed": ["speed_ratio", "time_saved"],
        "falsehoods": ["falsehood_rates", "falsehood_table", "read_falsehoods"],
        "canaries": ["chance_exposure", "exposure_table", "read_canaries"],
        "evaluations": ["read_evaluations", "read_evaluation_rows"],
        "probes": ["read_facts", "read_infilling", "read_positions", "read_contexts"],
        "experts": ["read_expert_load", "read_imbalance", "load_summary"],
        "valleys": ["NoValley", "Valley", "Valleys", "fit_valleys"],
        "carried": ["CarriedOptimum", "Choice"],
        "rates": ["RateTransfer", "rate_transfer"],
        "along": ["MidRun", "mid_run"],
        "gain": ["relative_gains"],
        "shape": ["BuildableShape", "buildable_shape"],
        "public_rankings": ["ASPECT_CLASSES"],
        "shape_basin": ["own_shape_costs"],
        "reliability": ["Reliability", "fit_reliability", "published_reliability", "spread_of"],
        "own_rankings": ["own_effects"],
        "track_record": ["TrackRecord", "read_track_record", "shipped_record"],
        "anchors": ["score", "outcome", "spread_interval"],
    },
)
