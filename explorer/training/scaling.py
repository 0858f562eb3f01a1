"""A plan made longer or shorter. Pure; no torch."""

from __future__ import annotations

from explorer.errors import InputError
from explorer.training.plan import MOST_PHASES, Phase, Plan


def scaled(plan: Plan, steps: int) -> Plan:
    """The plan with exactly this many steps: every phase, its shortest length and its warm-up keep their share.

    Cycles that do not divide the steps evenly are written out as phases.

    Raises:
        InputError: there are fewer steps than phases, or too many phases would have to be written out.
    """
    if steps < plan.cycles * len(plan.phases):
        raise InputError(
            f"{steps} steps for {plan.cycles * len(plan.phases)} phases", "steps", "give each phase one step or more"
        )
    phases, cycles = plan.phases, plan.cycles
    if steps % cycles:
        if len(phases) * cycles > MOST_PHASES:
            raise InputError(
                f"{steps} steps cannot be shared by {cycles} cycles", "steps", f"take a multiple of {cycles}"
            )
        phases, cycles = phases * cycles, 1
    wanted = steps // cycles
    whole = sum(phase.steps for phase in phases)
    ends: list[int] = []
    past = 0
    for i, phase in enumerate(phases):
        past += phase.steps
        # rounded so that the sum is exact, and each phase, those to come too, keeps a step at least
        end = min(max(round(past * wanted / whole), i + 1), wanted - (len(phases) - 1 - i))
        ends.append(max(end, ends[-1] + 1) if ends else end)
    lengths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    changed = tuple(_with_length(phase, length) for phase, length in zip(phases, lengths, strict=True))
    return plan.model_copy(update={"phases": changed, "cycles": cycles})


def _with_length(phase: Phase, steps: int) -> Phase:
    share = steps / phase.steps
    shortest, warmup = (round(length * share) for length in (phase.minimum_steps, phase.warmup_steps))
    return phase.model_copy(
        update={"steps": steps, "minimum_steps": min(shortest, steps), "warmup_steps": min(warmup, steps)}
    )
