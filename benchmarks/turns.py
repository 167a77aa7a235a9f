"""Variants that take turns in one run, compared by their medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["report", "take_turns"]


def take_turns(
    variants: Mapping[str, Callable[[], object]], *, rounds: int, calls: int = 1
) -> dict[str, float]:
    """Return each variant's median time of one call, in seconds.

    Each round runs every variant `calls` times, so a slow moment of the machine hits all alike.
    """
    times: dict[str, list[float]] = {name: [] for name in variants}
    for call in variants.values():
        call()
    for _ in range(rounds):
        for name, call in variants.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            times[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(values) for name, values in times.items()}


def report(medians: Mapping[str, float], base: str, unit: float = 1e6, name: str = "us") -> None:
    """Print the medians and their ratios to the variant `base`."""
    for variant, seconds in medians.items():
        print(f"{variant:<44} {seconds * unit:10.1f} {name}   {seconds / medians[base]:5.2f}")
