"""What training took: time, processor, and energy by a stated assumption."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pneumoscope.training.curves import read_curves

# Of a processor whose own figure is not known, fully used; and what a computing centre adds for cooling.
# Source: Lannelongue, Grealey and Inouye, Green Algorithms, Advanced Science 8(12), 2021, 2100707, and its table of
# processors ("Any": 12 W a core; world average of the efficiency 1.67 and of carbon 475 g CO2e a kWh).
WATTS_A_CORE = 12.0
USAGE_EFFECTIVENESS = 1.67
GRAMS_CO2_A_KWH = 475.0
ASSUMPTION = (
    f"{WATTS_A_CORE:g} W a core, times {USAGE_EFFECTIVENESS:g} for cooling, {GRAMS_CO2_A_KWH:g} g CO2e a kWh (Green "
    "Algorithms, Lannelongue et al. 2021); not measured, memory not counted"
)


def cost_of(curves: Path) -> dict[str, Any]:
    """Return time, processor and, without a GPU, energy of a run by its `curves.csv`; {} where no time was kept.

    Time is that of finished epochs with their validation; what an interruption cost is not in it.
    """
    rows = read_curves(curves)
    if not rows or not all(row.get("seconds") for row in rows):
        return {}
    seconds, cores = sum(float(row["seconds"]) for row in rows), torch.get_num_threads()
    if torch.cuda.is_available():
        return {"seconds": round(seconds), "processor": torch.cuda.get_device_name()}
    kwh = seconds / 3600 * cores * WATTS_A_CORE * USAGE_EFFECTIVENESS / 1000
    return {
        "seconds": round(seconds),
        "processor": processor(),
        "cores": cores,
        "kwh": round(kwh, 5),
        "grams_co2": round(kwh * GRAMS_CO2_A_KWH, 2),
        "assumption": ASSUMPTION,
    }


def total_cost(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the sum of the members' costs; {} where one has none, and no energy where one's was not estimated."""
    costs = [member.get("cost") or {} for member in members]
    if not costs or not all(costs):
        return {}
    total: dict[str, Any] = {
        "seconds": sum(cost["seconds"] for cost in costs),
        "processor": ", ".join(dict.fromkeys(_words(cost) for cost in costs)),
    }
    if all("kwh" in cost for cost in costs):
        total |= {name: float(sum(cost[name] for cost in costs)) for name in ("kwh", "grams_co2")}
        total["assumption"] = costs[0]["assumption"]
    return total


def _words(cost: dict[str, Any]) -> str:
    cores = cost.get("cores")
    used = f" ({cores} core{'s' if cores > 1 else ''})" if cores else ""
    return f"{cost['processor']}{used}"


def processor() -> str:
    """Return the processor's name as Linux gives it, or else its kind."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
