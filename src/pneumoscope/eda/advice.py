"""What the numbers mean for training and for what may be reported, in words computed from them."""

from dataclasses import dataclass

from pneumoscope.eda.acquisition import Acquisition
from pneumoscope.eda.films import SHARPER, FilmReport
from pneumoscope.eda.floors import Floors
from pneumoscope.eda.groups import FEWEST_POSITIVES, NO_FINDING
from pneumoscope.eda.profile import Profile
from pneumoscope.eda.readers import Readers
from pneumoscope.eda.shift import Shift
from pneumoscope.eda.wording import count, counted, decimal_interval, listed, percent, percent_interval, plain

_SEVERAL = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A topic, and what to do about it and why."""

    topic: str
    text: str


def advise(
    *,
    profile: Profile,
    acquisition: Acquisition,
    readers: Readers,
    shift: Shift | None,
    floors: tuple[Floors, ...],
    films: FilmReport | None,
) -> tuple[Advice, ...]:
    """Advice on each topic that the manifest has numbers for."""
    topics = (
        ("Split", _split(profile, shift)),
        ("Class weights", _weights(profile, shift)),
        ("Measure", _measure(profile, shift)),
        ("View", _view(profile, acquisition)),
        ("Other findings", _partners(profile)),
        ("Shortcuts", _shortcuts(floors)),
        ("Shift", _shift(shift)),
        ("Label noise", _noise(readers, profile.finding)),
        ("Geometric augmentation", _geometry(profile.finding)),
        ("Intensity augmentation", _intensity(films)),
        ("Image copies", _copies(films)),
        ("Too small to conclude", _small(shift)),
    )
    return tuple(Advice(topic=topic, text=text) for topic, text in topics if text)


def _split(profile: Profile, shift: Shift | None) -> str:
    effective = profile.per_image.effective_n
    worth = (
        f" For the share of {_word(profile)}, its {count(profile.labelled)} images are worth "
        f"{count(round(effective))} independent ones: make intervals by patient."
        if profile.labelled > _SEVERAL * effective
        else ""
    )
    if shift is None:
        return f"No split with a test is set. Split by patient, never by image.{worth}"
    learn, test = shift.learn, shift.test
    shared = (
        "share no patient"
        if shift.shared_patients == 0
        else f"share {counted(shift.shared_patients, 'patient')}: mend the split before anything else"
    )
    return (
        f"{count(learn.images)} images of {count(learn.patients)} patients to learn from, {count(test.images)} of "
        f"{count(test.patients)} to test on; the sides {shared}. Take validation from the learning side by "
        f"patient.{worth}"
    )


def _weights(profile: Profile, shift: Shift | None) -> str:
    group = shift.learn.finding if shift else None
    positives, images = (group.positives, group.images) if group else (profile.positives, profile.labelled)
    if not 0 < positives < images:
        return ""
    negatives = images - positives
    rarer, more = ("positive", negatives / positives) if positives < negatives else ("negative", positives / negatives)
    return (
        f"{count(positives)} positives and {count(negatives)} negatives to learn from, {more:.1f} others to each "
        f"{rarer}. Weighted cross-entropy takes {negatives / images:.3f} for positives and {positives / images:.3f} "
        "for negatives (CheXNet's weights); its output is then no probability until it is calibrated on unweighted "
        "images."
    )


def _measure(profile: Profile, shift: Shift | None) -> str:
    share = (shift.test.finding.share if shift else None) or profile.per_image
    where = "the test" if shift else "these images"
    f1 = 2 * share.value / (1 + share.value)
    return (
        f"On {where} {percent(share.value)} are positive: saying no always is {percent(1 - share.value)} accurate, "
        f"saying yes always has an F1 of {f1:.3f}, and chance has an average precision of {share.value:.3f}. Report "
        "AUROC with its interval, and predictive values at a named prevalence."
    )


def _view(profile: Profile, acquisition: Acquisition) -> str:
    shares = {one.finding: one.ap for one in acquisition.by_finding}
    ill, well = shares.get(profile.finding), shares.get(NO_FINDING)
    if ill is None or well is None:
        return ""
    return (
        f"{percent_interval(ill)} of the images with {_word(profile)} are AP, {percent_interval(well)} of those "
        "without a finding. Stratify splits and batches by view, and report PA and AP apart: pooled, a model is paid "
        "for recognising a portable film."
    )


def _partners(profile: Profile) -> str:
    if profile.alone is None or not profile.partners:
        return ""
    common = [partner for partner in profile.partners if partner.together][:3]
    names = [f"{plain(partner.finding)} ({percent(partner.share)})" for partner in common]
    return (
        f"Only {percent_interval(profile.alone)} of the images with {_word(profile)} have no other label; most often "
        f"it comes with {listed(names)}. Negatives must include these findings without it, or the model learns "
        f"“abnormal”. Evaluate against them as well as against {NO_FINDING}."
    )


def _shortcuts(floors: tuple[Floors, ...]) -> str:
    best = [(one, max(one.floors, key=lambda floor: floor.auroc.value)) for one in floors]
    if not best:
        return ""
    reached = [f"{decimal_interval(floor.auroc)} for {one.label} ({floor.variable.lower()})" for one, floor in best]
    return f"Without looking at the lungs, AUROC reaches {listed(reached)}. Print these floors beside every model."


def _shift(shift: Shift | None) -> str:
    if shift is None or shift.learn.finding.share is None or shift.test.finding.share is None:
        return ""
    apart = [one for one in shift.contrasts if one.differs]
    if not apart:
        return "No measured share differs between the sides by more than their intervals."
    most = sorted(apart, key=lambda one: -abs(one.test.value - one.learn.value))[:3]
    words = [f"{one.name} {percent(one.test.value)} against {percent(one.learn.value)}" for one in most]
    return (
        f"The test is not like the learning side: {listed(words)}; {len(apart)} of {len(shift.contrasts)} shares "
        f"differ beyond their intervals, and a patient has {shift.test.images_a_patient:.1f} images against "
        f"{shift.learn.images_a_patient:.1f}. A threshold from validation will not hold its sensitivity and "
        "specificity there; choose it on validation all the same, and report what happens."
    )


def _noise(readers: Readers, finding: str) -> str:
    first = next((one for one in readers.comparisons if one.label == finding and one.view == "All"), None)
    if first is None or first.precision is None or first.recall is None or first.perfect_reader is None:
        return ""
    return (
        f"Held against {first.reference}, the label is right on {percent_interval(first.precision)} of its positives "
        f"and finds {percent_interval(first.recall)}. A model that saw opacity exactly as these readers did would "
        f"score an AUROC of only {decimal_interval(first.perfect_reader)} against the label. Report against the "
        "readers too."
    )


def _geometry(finding: str) -> str:
    return (
        "Safe: rotation by a few degrees, shift and scale by some percent, as patients and cassettes vary. A "
        f"left-right flip makes a situs inversus that hardly exists; {plain(finding).lower()} has no side of its own, "
        "so it costs little here, but must be off for lateralised findings and for whatever reads side markers. Not "
        "safe: vertical flips, quarter turns, elastic deformation."
    )


def _intensity(films: FilmReport | None) -> str:
    if films is None or not films.by_class:
        return ""
    contrasts = [one.measures["contrast"] for one in films.by_class]
    means = [one.measures["mean"] for one in films.by_class]
    low, high = min(q.lower for q in means), max(q.upper for q in means)
    spread = max(q.upper for q in contrasts) / min(q.lower for q in contrasts)
    return (
        f"The middle half of the classes' images spans mean intensities from {low:.2f} to {high:.2f} and contrasts "
        f"that differ by a factor of {spread:.2f}: gain, offset and gamma of that order stay within what is seen. "
        "Inversion does not."
    )


def _copies(films: FilmReport | None) -> str:
    if films is None or films.sharpness_of_folders is None or films.sharpness_of_folders < SHARPER:
        return ""
    ordered = sorted(films.by_folder, key=lambda one: one.measures["sharpness"].median)
    return (
        f"At one and the same size the images of {ordered[-1].group} are {films.sharpness_of_folders:.2f} times as "
        f"sharp as those of {ordered[0].group}: a network can tell the copies apart. Resample and compress all alike, "
        "jitter sharpness, and never let a class come by one route only."
    )


def _small(shift: Shift | None) -> str:
    if shift is None or not shift.small_groups:
        return ""
    by_variable: dict[str, list[str]] = {}
    for group in shift.small_groups:
        by_variable.setdefault(group.variable, []).append(f"{group.name} ({group.positives})")
    names = [f"{variable} {', '.join(groups)}" for variable, groups in by_variable.items()]
    return (
        f"Fewer than {FEWEST_POSITIVES} positives in the test, too few for a sensitivity within \N{PLUS-MINUS SIGN}10 "
        f"points: {'; '.join(names)}. Report their intervals, conclude nothing from them."
    )


def _word(profile: Profile) -> str:
    return plain(profile.finding).lower()
