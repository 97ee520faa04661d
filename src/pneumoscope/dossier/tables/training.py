"""Tables of how the model was trained, from the run's own record, and of the images it was trained and chosen on."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

# Keys of the configuration that the parameter table leaves to tables of their own.
_GROUPS = ("augmentation", "recipe")

_PARTS = {"train": "Training", "val": "Validation", "test": "Test"}

_SOURCES = {"nih": "NIH, adults", "rsna_normal": "NIH, RSNA's Normal, adults", "kermany": "Kermany, children"}

_AUGMENTATIONS = {
    "rotation_degrees": "Rotation, up to degrees: a patient who leans",
    "scale": "Scale, relative: distance and collimation",
    "aspect": "Aspect ratio, relative: copies squeezed to squares",
    "shift": "Shift, share of the field: position",
    "flip": "Left-right flip, share of images: the finding has no side",
    "gamma": "Gamma, relative: exposure and processing",
    "contrast": "Gain and offset, relative: exposure and processing",
    "blur": "Resampling and sharpening, share of images: detector and copy, so that sharpness tells no source",
    "noise": "Noise, deviation: low dose",
    "erase": "Rectangles at the edges, share of images: markers and collimation",
    "pose": "Quarter turns and inversion, share of images: for the guard alone",
}


def parameters(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """The run's configuration, key by key."""
    rows = []
    for key in numbers.keys("training/config"):
        if key in _GROUPS:
            continue
        below = numbers.keys(f"training/config.{key}")
        for name in below:
            address = f"training/config.{key}.{name}"
            if not numbers.keys(address):
                rows.append((f"`{key}.{name}`", numbers.value(address)))
        if not below:
            rows.append((f"`{key}`", numbers.value(f"training/config.{key}")))
    columns = (Column("Parameter", 1), Column("Value", 1.4))
    yield Table("table-parameters", "Training parameters, from the run's record.", columns, tuple(rows))


def augmentation(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Each random change with its strength."""
    rows = tuple(
        (
            escape(_AUGMENTATIONS.get(name, name.replace("_", " "))),
            numbers.value(f"training/config.augmentation.{name}"),
        )
        for name in numbers.keys("training/config.augmentation")
    )
    columns = (Column("Change, and what it models", 3), Column("Strength", 1, right=True))
    yield Table("table-augmentation", "Augmentation during training, from the run's record; 0 is off.", columns, rows)


def layers(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Frozen, fine-tuned and added layers, counted from the run's own list."""
    listed: list[dict[str, str]] = numbers.node("training/layers") or []
    rows = []
    for state in dict.fromkeys(("frozen", "fine-tuned", "added", *(one["state"] for one in listed))):
        of = [one for one in listed if one["state"] == state]
        parameters = sum(int(one["parameters"]) for one in of)
        places = f"`{of[0]['layer']}` to `{of[-1]['layer']}`" if of else "none"
        rows.append((escape(state), f"{len(of):,}", f"{parameters:,}", places))
    columns = (Column("State", 1), *_right("Layers", "Parameters"), Column("Which", 3))
    yield Table("table-layers", "Layers: frozen, fine-tuned and added.", columns, tuple(rows))


def database(numbers: Numbers, part: str) -> Iterator[Table]:
    """Images of one part of the split by source: size, positives and their share, demographics and views."""
    titles = {
        "images": "Images", "patients": "Patients", "positives": "With pneumonia", "share": "Share",
        "age": "Age, median (quartiles), years", "female": "Female", "views": "Views",
    }  # fmt: skip
    described = numbers.node("databases/sources") or {}
    sources = [one for one in described if numbers.has(f"databases/sources.{one}.{part}")]
    rows = tuple(
        (
            escape(_SOURCES.get(source, source)),
            *(numbers.value(f"databases/sources.{source}.{part}.{name}") for name in titles),
        )
        for source in sources
    )
    columns = (Column("Source", 1.2), *(Column(title, 1, right=True) for title in titles.values()))
    yield Table(f"table-database-{part}", f"{_PARTS[part]} images by source.", columns, rows)


def co_occurrence(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """The findings that stand beside pneumonia on NIH's images, by part of the split."""
    if not numbers.has("databases/co_occurrence"):
        return
    splits = numbers.keys("databases/co_occurrence")
    findings = numbers.keys(f"databases/co_occurrence.{splits[0]}")
    rows = tuple(
        (
            escape(finding.replace("_", " ")),
            *(numbers.value(f"databases/co_occurrence.{split}.{finding}") for split in splits),
        )
        for finding in findings
    )
    columns = (
        Column("Finding beside pneumonia", 1.4),
        *(Column(f"{_PARTS[split]} images", right=True) for split in splits),
    )
    yield Table("table-co-occurrence", "Findings that NIH's labels give together with pneumonia.", columns, rows)


def _right(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, right=True) for title in titles)
