"""Tables of how the model was trained, from the run's own record, and of the images it was trained and chosen on."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

# Keys of the configuration that the parameter table leaves to tables and sections of their own.
_ELSEWHERE = ("augmentation", "recipe", "name", "version", "data", "initial_weights")

# What each key means, with its unit; a key that is not here speaks for itself.
_PARAMETERS = {
    "seeds": "Seed of the first network",
    "split_seed": "Seed of the split by patient",
    "ships": "What ships: output, or stages",
    "frozen_blocks": "Blocks that keep ImageNet's weights, from the input",
    "accumulate": "Batches a step",
    "weight_decay": "Weight decay",
    "ema": "Decay of the averaged weights, a step",
    "mixup": "Mixup: parameter of the beta distribution",
    "classes": "Share of each class in either view",
    "one_class_share": "Weight of an image of a source with one class",
    "train_size_px": "Side of a training image, pixels",
    "images_per_epoch": "Images drawn for an epoch",
    "batch_size": "Batch size, images",
    "learning_rate": "Learning rate, at its highest",
    "precision": "Arithmetic",
    "opacity_weight": "Weight of the radiologists' class in the soft target",
    "sampling": "Share of images drawn",
    "loss": "Weight in the loss",
    "layers.input": "Input of the first layer",
    "layers.frozen_to": "Last frozen layer",
    "layers.added": "Widths of added layers",
    "optimizer.kind": "Optimiser",
    "optimizer.betas": "Optimiser's betas",
    "optimizer.schedule": "Schedule of the learning rate",
    "optimizer.factor": "Factor of the learning rate on a plateau",
    "optimizer.patience": "Epochs before a plateau counts",
    "optimizer.early_stopping": "Epochs without gain before stopping",
    "optimizer.accumulate": "Batches a step",
    "optimizer.clip": "Largest norm of the gradient",
    "optimizer.ema": "Decay of the averaged weights, a step",
    "optimizer.keep": "Epoch that is exported",
    "optimizer.deterministic": "Bit for bit repeatable",
    "criterion.kind": "Loss",
}

# Settings that act only where another has one of these values.
_ONLY_WITH = {
    "optimizer.factor": ("optimizer.schedule", ("plateau",)),
    "optimizer.patience": ("optimizer.schedule", ("plateau",)),
    "criterion.gamma": ("criterion.kind", ("focal", "asymmetric")),
    "criterion.gamma_negative": ("criterion.kind", ("asymmetric",)),
    "criterion.margin": ("criterion.kind", ("asymmetric",)),
}

_PARTS = {"train": "Training", "val": "Validation", "test": "Test"}

_SOURCES = {
    "nih": "NIH",
    "rsna_normal": "NIH, normal by RSNA",
    "kermany": "Kermany, children",
    "rsna_256": "RSNA's first thousand",
    "rsna_dicom": "RSNA's DICOM files",
    "radiography": "NIH, copies of a COVID collection",
    "boxes": "NIH, copies with boxes",
    "lungs_only": "NIH, lungs alone",
}

_AUGMENTATIONS = {
    "rotation_degrees": "Rotation, up to degrees: a patient who leans",
    "scale": "Scale, relative: distance and collimation",
    "aspect": "Aspect ratio, relative: copies squeezed to squares",
    "shift": "Shift, share of the field: position",
    "tube_angle": "Keystone, relative: a beam that is not square to the detector",
    "flip": "Left-right flip, share of images: the finding has no side",
    "gamma": "Gamma, relative: exposure and processing",
    "contrast": "Gain and offset, relative: exposure and processing",
    "blur": "Resampling and sharpening, share of images: detector and copy, so that sharpness tells no source",
    "noise": "Noise, largest deviation on the scale from -1 to 1: low dose",
    "collimation": "Dark margins, share of images: the collimator's blades",
    "marker": "Bright letters in an upper corner, share of images: side markers",
    "erase": "Rectangles at the edges, share of images: text, electrodes, pacemakers",
    "pose": "Quarter turns and inversion, share of images: for the guard alone",
}


def parameters(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Each network's configuration, key by key; what is empty, off or without effect in all of them is left out."""
    members = (numbers.value(f"training/networks.{one}.members") for one in _networks(numbers))
    rows = [("Networks trained, or stages whose weights are averaged", *members, "")]
    for key in dict.fromkeys(key for one in _networks(numbers) for key in _keys(numbers, _config(one))):
        cells = [_used(numbers, _config(one), key) for one in _networks(numbers)]
        if any(cells):
            group, _, name = key.partition(".")
            words = _PARAMETERS.get(key) or ": ".join(filter(None, (_PARAMETERS.get(group, group.capitalize()), name)))
            rows.append((escape(words.replace("_", " ")), *(cell or "off" for cell in cells), f"`{key}`"))
    columns = (Column("Parameter", 1.6), *_of_networks(numbers, 1.2), Column("Key", 1.1))
    yield Table(
        "table-parameters", "Training parameters, from the runs' record; what is off is left out.", columns, tuple(rows)
    )


def _networks(numbers: Numbers) -> tuple[str, ...]:
    """Whom the networks answer for, a name a network."""
    return numbers.keys("training/networks")


def _of_networks(numbers: Numbers, share: float, *, right: bool = False) -> tuple[Column, ...]:
    """Return a column for each network, headed by whom it answers for."""
    return tuple(Column(f"For {one.replace('-', ' ')}", share, right=right) for one in _networks(numbers))


def _config(network: str) -> str:
    return f"training/networks.{network}.config"


def _keys(numbers: Numbers, config: str) -> Iterator[str]:
    for key in numbers.keys(config):
        if key not in _ELSEWHERE:
            below = numbers.keys(f"{config}.{key}")
            yield from (f"{key}.{name}" for name in below) if below else (key,)


def _used(numbers: Numbers, config: str, key: str) -> Marked | str:
    """Return the value of a key, nothing where it is off, absent or without effect."""
    other, values = _ONLY_WITH.get(key, ("", ()))
    if other and numbers.has(f"{config}.{other}") and numbers.node(f"{config}.{other}") not in values:
        return ""
    address = f"{config}.{key}"
    return numbers.value(address) if numbers.has(address) and numbers.node(address) not in ("", [], 0) else ""


def augmentation(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Each random change with its strength."""
    places = [f"{_config(one)}.augmentation" for one in _networks(numbers)]
    rows = []
    for name in dict.fromkeys(name for place in places for name in numbers.keys(place)):
        cells = [_used(numbers, place, name) for place in places]
        if any(cells):
            said = escape(_AUGMENTATIONS.get(name, name.replace("_", " ")))
            rows.append((said, *(cell or "off" for cell in cells)))
    columns = (Column("Change, and what it models", 3), *_of_networks(numbers, 1, right=True))
    yield Table("table-augmentation", "Augmentation during training, from the runs' record.", columns, tuple(rows))


def layers(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Frozen, fine-tuned and added layers, counted from the run's own list."""
    rows = []
    for network in _networks(numbers):
        listed: list[dict[str, str]] = numbers.node(f"training/networks.{network}.layers")
        for state in dict.fromkeys(("frozen", "fine-tuned", "added", *(one["state"] for one in listed))):
            of = [one for one in listed if one["state"] == state]
            parameters = sum(int(one["parameters"]) for one in of)
            places = f"`{of[0]['layer']}` to `{of[-1]['layer']}`" if of else "none"
            rows.append((network.replace("-", " "), escape(state), f"{len(of):,}", f"{parameters:,}", places))
    columns = (Column("For", 0.7), Column("State", 0.8), *_right("Layers", "Parameters"), Column("Which", 3))
    yield Table("table-layers", "Layers: frozen, fine-tuned and added.", columns, tuple(rows))


def database(numbers: Numbers, part: str) -> Iterator[Table]:
    """Images of one part of the split, a row a source: size, positives, demographics, views, grey levels."""
    at = [f"databases/sources.{source}.{part}" for source in numbers.node("databases/sources") or {}]
    at = [address for address in at if numbers.has(address)]
    read = any(numbers.has(f"{address}.read") for address in at)
    rows = tuple(tuple(_described(numbers, address, read=read)) for address in at)
    columns = (
        Column("Source", 1.1), Column("Images, patients, most of one", 1, right=True),
        Column("With pneumonia", 0.9, right=True),
        *((Column("Read, with opacity", 0.7, right=True),) if read else ()),
        Column("Age: median (quartiles), range", 1.3, right=True), Column("Female", 0.6, right=True),
        Column("Views", 0.9, right=True), Column("Mean grey level, with; without", 1.6, right=True),
    )  # fmt: skip
    note = (
        "Pneumonia by the source's label; read by RSNA's radiologists. Female: of images whose sex is known. Grey "
        "levels of an image from 0 (black) to 1 (white), before preprocessing: median (quartiles) over images with "
        "pneumonia and without."
    )
    yield Table(f"table-database-{part}", f"{_PARTS[part]} images by source.", columns, rows, note)


def _described(numbers: Numbers, at: str, *, read: bool) -> Iterator[str]:
    source = at.split(".")[-2]
    yield escape(_SOURCES.get(source, source))
    yield ", ".join(numbers.value(f"{at}.{name}") for name in ("images", "patients", "most_of_a_patient"))
    yield f"{numbers.value(f'{at}.positives')} ({numbers.value(f'{at}.share')})"
    if read:
        known = numbers.has(f"{at}.read")
        yield f"{numbers.value(f'{at}.read')}, {numbers.value(f'{at}.opacities')}" if known else "none"
    yield f"{numbers.value(f'{at}.age')}, {numbers.value(f'{at}.age_range')}"
    yield numbers.value(f"{at}.female")
    yield numbers.value(f"{at}.views")
    yield "; ".join(numbers.value(f"{at}.grey_{side}") for side in ("with", "without"))


def stages(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield the stages of the training, from the card; nothing for networks that were trained in one run each."""
    count = len(numbers.node("training/stages")) if numbers.has("training/stages") else 0
    keys: tuple[str, ...] = (
        "name",
        "population",
        "starts_from",
        "teachers",
        "size_px",
        "images",
        "learning_rate",
        "lungs_only",
    )
    keys += ("minutes", "ships_for")
    rows = tuple(tuple(numbers.value(f"training/stages.{place}.{key}") for key in keys) for place in range(count))
    columns = (
        Column("Stage", 1), Column("Images of", 0.9), Column("Starts from", 1), Column("Teachers", 1.1),
        *_right("Side, pixels", "Images shown", "Learning rate", "Share of lungs alone, first", "Minutes"),
        Column("Ships for", 0.9),
    )  # fmt: skip
    if rows:
        caption = "Stages of the training, from the model card. The mean of the stages that ship is the network."
        yield Table("table-stages", caption, columns, rows)


def co_occurrence(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """How often the other findings stand beside pneumonia on NIH's images, and without it, by part of the split."""
    at = "databases/co_occurrence"
    sides = [f"{at}.{part}.{side}" for part in numbers.keys(at) for side in numbers.keys(f"{at}.{part}")]
    findings = numbers.keys(sides[0]) if sides else ()
    rows = tuple(
        (
            escape("Images" if finding == "all" else finding.replace("_", " ")),
            *(numbers.value(f"{side}.{finding}") for side in sides),
        )
        for finding in findings
    )
    titles = (f"{_PARTS[side.split('.')[-2]]}, {side.rpartition('.')[2]}" for side in sides)
    columns = (Column("Finding", 1.3), *_right(*titles))
    caption = "Findings on NIH's images with pneumonia and without it, by NIH's labels: images (share)."
    if rows:
        yield Table("table-co-occurrence", caption, columns, rows)


def _right(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, right=True) for title in titles)
