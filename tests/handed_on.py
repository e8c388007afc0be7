"""What a setting that comparing variants gave must say of that."""

from __future__ import annotations

from collections.abc import Collection

from studylib.spec import Setting


def says_how_it_was_compared(setting: Setting, labels: Collection[str] = ()) -> bool:
    """Raises with the setting's field where something is missing; ``labels``: all that were compared."""
    told = {one.label for one in setting.tried}
    assert setting.evidence == "measured" and len(told) > 1 and told >= set(labels), (setting.field, told)
    assert setting.params and setting.seeds and setting.noise_percent is not None and setting.trial_flops, setting.field
    assert (setting.tried[0].value, setting.tried[0].behind_percent) == (setting.value, 0), setting.field
    assert all(one.sd_percent > 0 for one in setting.tried[1:]), setting.field
    return True
