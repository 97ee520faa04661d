"""Everything that the document is made from, read once and held against each other; all faults are said together."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pneumoscope.core import ArtifactError, ConfigError, PneumoscopeError, check_against_device
from pneumoscope.dossier.assumptions import Plan, read_plan
from pneumoscope.dossier.card_facts import named_rules
from pneumoscope.dossier.device import Device, read_device, reported
from pneumoscope.dossier.fact_tables import read_tables
from pneumoscope.dossier.facts import action_facts, latency_facts, latency_file, simulation_facts
from pneumoscope.dossier.plan import facts
from pneumoscope.dossier.requirements import Trace, read_requirements, require_assertions, trace
from pneumoscope.dossier.risks import Risk, read_risks
from pneumoscope.dossier.sbom import Component, read_components
from pneumoscope.evaluation import Evidence, read_release
from pneumoscope.model import OPERATING_POINTS, Card, load

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What `read_inputs` found, consistent with itself.

    Attributes:
        tables: Facts by source: `literature`, `training`, `plan`, `access`, `action`, `simulation`, and `card`,
            `databases`, `latency` where they are there.
        files: Every file that was read, for the record of the build.
        card: Of the model that the evidence is about; None where the file beside the source is another model.
        differences: What in the device description differs from the released device, each as a sentence.
    """

    device: Device
    device_path: Path
    release_path: Path
    release: dict[str, Evidence]
    tables: dict[str, Any]
    trace: Trace
    risks: tuple[Risk, ...]
    components: tuple[Component, ...]
    plan: Plan
    files: tuple[Path, ...]
    card: Card | None = None
    differences: tuple[str, ...] = ()

    @property
    def model_file(self) -> Path:
        """Where the model lies beside the source."""
        return model_file(self.device, self.device_path)

    @property
    def model(self) -> dict[str, str]:
        """Name, version and SHA-256 of the model that the document is about."""
        model: dict[str, str] = self.release[self.device.cohorts("test")[0].evidence].provenance["model"]
        return model


def read_inputs(device_path: Path, evidence: Path) -> Inputs:
    """Device, evidence, requirements, risks, plan, bill of materials and facts.

    Raises:
        ConfigError: Anything is missing, unreadable or contradicts another input; everything found is listed.
    """
    device = read_device(device_path)
    folder = device_path.parent
    problems: list[str] = []
    release = _tried(lambda: read_release(evidence), problems) or {}
    device = reported(device, release)
    card = _card(device, device_path, release) if release else None
    tables = _tried(lambda: read_tables(evidence, card=card, release=release), problems) or {}
    given = device.inputs
    traced = _tried(
        lambda: trace(
            read_requirements(folder / given.requirements),
            tests=folder / given.tests,
            source=folder / given.source,
            results=folder / given.results if given.results else None,
        ),
        problems,
    )
    _tried(lambda: require_assertions(folder / given.tests), problems)
    risks = _tried(lambda: read_risks(folder / given.risks, traced), problems) if traced else ()
    components = _tried(lambda: read_components(folder / given.lock), problems)
    plan = _tried(lambda: read_plan(folder / given.plan if given.plan else None), problems)
    if plan:
        tables["plan"] = _tried(lambda: facts(plan), problems)
    if release:
        problems += contradictions(device, release, card)
    if card is not None:
        problems += _card_problems(device, card)
    if not problems:
        try:
            tables |= _measured(device, device_path, release, card)
        except (KeyError, ValueError) as error:
            problems.append(f"what the device does with the test images cannot be measured: {error!r}")
    if problems:
        raise ConfigError("\n  ".join([f"the document cannot be built, {len(problems)} faults:", *problems]))
    assert traced is not None
    assert plan is not None
    return Inputs(
        device=device,
        device_path=device_path,
        release_path=evidence,
        release=release,
        tables=tables,
        trace=traced,
        risks=risks or (),
        components=components or (),
        plan=plan,
        files=tuple(_files(device, device_path, evidence)),
        card=card,
        differences=differences(device),
    )


def differences(device: Device) -> tuple[str, ...]:
    """Return what differs from the released device, which the node's software takes for its own."""
    found: dict[str, Any] = {
        name: getattr(device, name) for name in ("claim", "operating_point", "youngest_years", "oldest_years")
    }
    found |= {
        f"monitoring.{name}": getattr(device.monitoring, name) for name in ("reference", "batch", "least_agreement")
    }
    return check_against_device(found)


def model_file(device: Device, device_path: Path) -> Path:
    """Return where the model lies beside the source."""
    return device_path.parent / device.inputs.source / "pneumoscope" / "model" / "pneumonia.onnx"


def _card(device: Device, device_path: Path, release: dict[str, Evidence]) -> Card | None:
    """Return the card, where the file is there and is the model of the evidence."""
    name = device.cohorts("test")[0].evidence
    if name not in release:
        return None
    try:
        artifact = load(model_file(device, device_path))
    except ArtifactError:
        return None
    wanted = release[name].provenance["model"].get("sha256")
    return artifact.card if artifact.identity.sha256 == wanted else None


def _card_problems(device: Device, card: Card) -> Iterator[str]:
    """Yield each difference between the patients of the card and those of the description."""
    use = card.intended_use
    for name, said, carded in (
        ("youngest_years", device.youngest_years, use.youngest_years),
        ("oldest_years", device.oldest_years, use.oldest_years),
    ):
        if said != carded:
            yield f"{name}: the device description says {said:g}, the model's card {carded:g}"


def _measured(device: Device, device_path: Path, release: dict[str, Evidence], card: Card | None) -> dict[str, Any]:
    """Return what the device does with the test images, and what that does to a worklist."""
    action = action_facts(device, release, card)
    found = {"action": action, "simulation": simulation_facts(device, release, card)}
    latency = latency_facts(device_path.parent / device.inputs.source)
    return found | ({"latency": latency} if latency else {})


def contradictions(device: Device, release: dict[str, Evidence], card: Card | None = None) -> list[str]:
    """Return what in the evidence does not fit the device description or the card, each as a sentence."""
    problems = []
    for cohort in device.cohort:
        if cohort.evidence not in release:
            problems.append(f"cohort {cohort.title!r}: no evidence {cohort.evidence!r}; there is {', '.join(release)}")
        elif cohort.question not in release[cohort.evidence].labels:
            there = ", ".join(release[cohort.evidence].labels)
            problems.append(
                f"cohort {cohort.title!r}: {cohort.evidence} has no question {cohort.question!r}, but {there}"
            )
    own = [cohort for cohort in device.cohort if cohort.role != "context" and cohort.evidence in release]
    models: dict[str, set[str]] = {}
    for cohort in own:
        models.setdefault(str(release[cohort.evidence].provenance["model"].get("sha256")), set()).add(cohort.evidence)
    if len(models) > 1:
        said = "; ".join(f"{sha[:12]}: {', '.join(sorted(names))}" for sha, names in models.items())
        problems.append(f"evidence of different models is mixed: {said}")
    return problems + list(_threshold_problems(device, release, card))


def _threshold_problems(device: Device, release: dict[str, Evidence], card: Card | None) -> Iterator[str]:
    """Yield each cohort without the operating point, or with a threshold that validation did not choose.

    The card has all of them; without it, those that a validation cohort used.
    """
    chosen: set[float] = set()
    if card is not None and device.operating_point in OPERATING_POINTS:
        chosen = {rule.operating_points[device.operating_point].threshold for rule in named_rules(card).values()}
    for role in ("validation", "test"):
        for cohort in device.cohorts(role):
            if cohort.evidence not in release or cohort.question not in release[cohort.evidence].labels:
                continue
            points: Any = release[cohort.evidence].at(f"labels.{cohort.question}.operating_points")
            if device.operating_point not in points:
                known = ", ".join(points) or "none"
                yield f"{cohort.evidence}: no evidence used the operating point {device.operating_point!r}, but {known}"
                continue
            point = points[device.operating_point]
            used = [float(one) for one in (point["threshold"], *point.get("threshold_elsewhere", {}).values())]
            if role == "validation" and card is None:
                chosen.update(used)
            elif chosen and (strange := [one for one in used if not _among(one, chosen)]):
                where = "is not in the card" if card is not None else "was used on no validation cohort"
                yield f"{cohort.evidence}: threshold {strange[0]:.6g} {where}"


def _among(threshold: float, chosen: set[float]) -> bool:
    """Return whether evidence, which keeps nine digits, has one of these thresholds."""
    return any(math.isclose(threshold, one, rel_tol=1e-6) for one in chosen)


def _tried(read: Callable[[], Found], problems: list[str]) -> Found | None:
    try:
        return read()
    except PneumoscopeError as error:
        problems.append(str(error))
        return None


def _files(device: Device, device_path: Path, evidence: Path) -> Iterator[Path]:
    given = device.inputs
    yield device_path
    if (run := latency_file(device_path.parent / given.source)) is not None:
        yield run
    for path in (given.requirements, given.risks, given.plan, given.lock, given.results):
        if path:
            yield device_path.parent / path
    yield from sorted(
        path for path in evidence.rglob("*") if path.is_file() and path.suffix in (".json", ".parquet", ".csv")
    )
