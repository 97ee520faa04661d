"""What the model's card says, as facts with addresses: decision rules by name, the second output, networks, stages.

A rule's name is that of the column `population` in the predictions: `adults PA`, `adults AP`, `children`, and the
population alone (`adults`) where the view is unknown or the population has one rule for all views.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pneumoscope.core import ArtifactError, Population, View
from pneumoscope.model import OPERATING_POINTS, Card, DecisionRule

# What acts on adults' images alone: children have no such labels, no boxes, and one source with both classes.
_ADULTS_ALONE = ("classes", "one_class_share")
_ADULTS_LOSS = ("normal", "findings", "report", "sex", "age", "boxes")
# Keys of a reader's configuration that tables of their own show.
_OF_STAGES = ("stage", "ships", "weights_package", "continues", *Population)


def named_rules(card: Card) -> dict[str, DecisionRule]:
    """Return every rule by its name; each population's views first, then its rule for an unknown view."""
    found: dict[str, DecisionRule] = {}
    for population, rule in card.rules.items():
        found |= {f"{population} {view}": rule.for_view(view) for view in rule.by_view}
        found[str(population)] = rule
    return found


def rule_name(card: Card, population: Population, view: str | None) -> str:
    """Return the name of the rule that decides on an image of this population and view."""
    known = view if view in tuple(View) else None
    own = known is not None and View(known) in card.rules[population].by_view
    return f"{population} {known}" if own else str(population)


def rule_words(card: Card, name: str) -> str:
    """Return a rule's name as the document shows it."""
    if name in tuple(Population) and card.rules[Population(name)].by_view:
        return f"{name}, view unknown"
    return name.replace(" ", ", ")


def card_facts(card: Card) -> dict[str, Any]:
    """Return the card's rules and outputs as plain data."""
    reports = {str(name): rule.report for name, rule in card.rules.items() if rule.report is not None}
    return {
        "meaning": card.meaning,
        "rules": {name: {"words": rule_words(card, name)} | _rule(rule) for name, rule in named_rules(card).items()},
        "reports": {
            name: {"fitted_on": one.fitted_on, "prevalence": one.calibration.prevalence}
            for name, one in reports.items()
        },
    }


def _rule(rule: DecisionRule) -> dict[str, Any]:
    calibration, limits = rule.calibration, rule.conformal
    return {
        "slope": calibration.slope,
        "intercept": calibration.intercept,
        "prevalence": calibration.prevalence,
        "thresholds": {name: rule.operating_points[name].threshold for name in OPERATING_POINTS},
        "rules": {name: rule.operating_points[name].rule for name in OPERATING_POINTS},
        "positive_from": limits.positive_from,
        "negative_to": limits.negative_to,
        "coverage": limits.coverage,
        "fitted_on": rule.fitted_on,
    }


def has_stages(card: Card) -> bool:
    """Return whether the card records one network a population, each trained in stages."""
    return "stages" in card.training


def stages_of(card: Card, curves: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, Any]:
    """Return the training record of a card with stages, in the form that the document's tables read.

    Args:
        card: With `training.config` and `training.stages`.
        curves: Loss by images shown, by stage, where the evidence has it.

    Raises:
        ArtifactError: The card's record of its training lacks a key.
    """
    try:
        config, stages = card.training["config"], card.training["stages"]
        networks = {str(one): _network(config, stages, str(one), curves) for one in card.rules}
        first = next(iter(networks.values()))["config"]
        return {
            "config": first | {"recipe": config["recipe"], "initial_weights": config["initial_weights"]},
            "members": len(networks),
            "networks": networks,
            "crossed": [words for one in card.rules if (words := _crossed(config, str(one)))],
            "stages": [_stage(config, stages[one["name"]]) for one in config["stage"] if one["name"] in stages],
        }
    except (KeyError, TypeError) as error:
        raise ArtifactError(f"model card: expected the record of a training in stages, found no {error}") from error


def _network(
    config: Mapping[str, Any],
    stages: Mapping[str, Any],
    population: str,
    curves: Mapping[str, Sequence[Mapping[str, str]]],
) -> dict[str, Any]:
    """Return one population's configuration: what all stages share, and the augmentation of its images."""
    own = [name for name in _lineage(config, config["ships"][population]) if name in stages]
    shared = {key: value for key, value in config.items() if key not in _OF_STAGES}
    if population != Population.ADULTS:
        shared = {key: value for key, value in shared.items() if key not in _ADULTS_ALONE}
        shared["loss"] = {key: value for key, value in shared["loss"].items() if key not in _ADULTS_LOSS}
    return {
        "members": len(config["ships"][population]),
        "config": shared | {"augmentation": config[population], "ships": list(config["ships"][population])},
        "curves": {name: list(curves[name]) for name in own if curves.get(name)},
        "layers": [],
    }


def _lineage(config: Mapping[str, Any], ships: Sequence[str]) -> list[str]:
    """Return the stages that a network comes from, in the order of training."""
    by_name = {one["name"]: one for one in config["stage"]}
    wanted, waiting = set[str](), list(ships)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in wanted:  # not ImageNet's weights or an earlier release's
            wanted.add(name)
            waiting += [by_name[name]["starts_from"], *by_name[name]["taught_by"]]
    return [name for name in by_name if name in wanted]


def _crossed(config: Mapping[str, Any], population: str) -> str:
    """Return which stages on the other population's images a network's weights begin with; nothing where none."""
    by_name = {one["name"]: one for one in config["stage"]}
    chain, waiting = dict[str, str](), list(config["ships"][population])
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in chain:
            chain[name] = str(by_name[name]["population"])
            waiting.append(by_name[name]["starts_from"])
    others = {name: whose for name, whose in chain.items() if whose != population}
    if not others:
        return ""
    whose, stages = " and ".join(sorted(set(others.values()))), ", ".join(sorted(others))
    return f"the network for {population} begins with weights that were trained on images of {whose} ({stages})"


def _stage(config: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    stage = record["stage"]
    ships = [population for population, names in config["ships"].items() if stage["name"] in names]
    return dict(stage) | {
        "ships_for": ", ".join(ships) or "none",
        "teachers": ", ".join(stage["taught_by"]) or "none",
        "learnt_from": record["images"],
        "minutes": round(record["seconds"] / 60),
    }
