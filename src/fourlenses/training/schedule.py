"""Learning rates over a run: linear warm-up, then half a cosine to zero (SimCLR, section 2.2; Loshchilov, Hutter, ICLR 2017)."""

import math


def learning_rate(step: int, total_steps: int, warmup_steps: int, peak: float) -> float:
    """The rate of update ``step`` (0-based) of ``total_steps``.

    Update i of the warm-up has (i + 1) / warmup_steps of the peak, so that none is wasted on a rate of 0. The cosine starts at the
    peak with the first update after it and would reach 0 at ``total_steps``, the first update that is not made.
    """
    if not 0 <= warmup_steps <= total_steps:
        raise ValueError(f"a warm-up of {warmup_steps} steps does not fit into {total_steps}")
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if step >= total_steps:
        return 0.0
    return (
        peak * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))
    )


def scaled_learning_rate(base: float, batch_size: int, rule: str) -> float:
    """The peak rate at a batch size: "linear" base * B / 256, "sqrt" base * sqrt(B), "none" base.

    Linear is Goyal et al. (2017) and SimCLR's section 2.2 (base 0.3); sqrt is SimCLR's appendix B.1 (base 0.075).
    """
    rules = {"linear": batch_size / 256, "sqrt": math.sqrt(batch_size), "none": 1.0}
    if rule not in rules:
        raise ValueError(f"unknown learning rate rule {rule!r}; known: {', '.join(rules)}")
    return base * rules[rule]
