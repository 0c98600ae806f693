"""Times commands in turn, so that a machine whose speed drifts treats both alike, and tells the ratio pair by pair."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter


def timed(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> float:
    """Return the wall seconds of one whole process.

    Raises:
        subprocess.CalledProcessError: it failed, so its time says nothing.
    """
    start = perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - start


def ratios(ours: Callable[[], float], floor: Callable[[], float], *, pairs: int, warmups: int = 1) -> list[float]:
    """Return ours/floor of each pair, the warm-up pairs left out."""
    found = []
    for number in range(warmups + pairs):
        # The order alternates: neither side always gets the warmer cache.
        if number % 2:
            bottom, top = floor(), ours()
        else:
            top, bottom = ours(), floor()
        if number >= warmups:
            found.append(top / bottom)
    return found


def line(name: str, found: Sequence[float], goal: float | None = None) -> str:
    """Return one line of a bench: the median ratio, its range, and whether the goal is met."""
    middle = median(found)
    shown = f"{name:<44} {middle:5.2f}  ({min(found):.2f}–{max(found):.2f}, {len(found)} pairs)"
    if goal is None:
        return shown
    return f"{shown}  goal ≤ {goal}: {'met' if middle <= goal else 'NOT met'}"


def loaded() -> str:
    """Return what the machine was doing, for the reader of the figures."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
