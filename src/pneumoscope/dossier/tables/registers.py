"""Registers: evidence, requirements, risks, bill of materials, checklists."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import resources

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Block, Bullets, Code, Column, Paragraph, Table
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.sbom import licence_of, read_native

_SHORT = 12


def evidence(inputs: Inputs, _numbers: Numbers) -> Iterator[Block]:
    """Yield what each short reference stands for: cohort, model, manifest, code, and how to rebuild it."""
    rows = []
    for place, (name, one) in enumerate(inputs.release.items(), start=1):
        model, provenance = one.provenance["model"], one.provenance
        rows.append(
            (
                f"[#ev-{name.replace('/', '-')}]**E{place}** `{escape(name)}`",
                escape(f"{one.cohort['title']}: {one.cohort['images']:,} images, {one.cohort['patients']:,} patients"),
                f"{escape(model.get('version', ''))} `{model.get('sha256', '')[:_SHORT]}`",
                f"`{provenance['predictions_sha256'][:_SHORT]}`",
                f"`{provenance['manifest_sha256'][:_SHORT]}`",
                escape(f"{provenance['code']}, {provenance['created'][:10]}"),
            )
        )
    columns = (
        Column("Reference", 1.3), Column("Cohort", 2.4), Column("Model", 1.2), Column("Predictions", 1.1),
        Column("Manifest", 1.1), Column("Code, date", 1.1),
    )  # fmt: skip
    note = (
        f"The first {_SHORT} digits of each SHA-256; all digits, and the configuration, are in the record of the build."
    )
    yield Table("table-evidence", "The evidence that this document stands on.", columns, tuple(rows), note)
    yield Paragraph(
        "The first command measures each folder again from model and images, the second verifies this document:"
    )
    yield Code("make evidence\npneumoscope dossier verify docs/submission")


def requirements(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield requirement to code to test to result."""
    rows = []
    for requirement in inputs.trace.requirements:
        tests = inputs.trace.tests[requirement.id]
        files = Counter(_short(test.file) for test in tests)
        named = ", ".join(f"{count} `{file}`" for file, count in sorted(files.items()))
        results = ", ".join(sorted({test.result for test in tests}))
        code = ", ".join(f"`{path}`" for path in requirement.code)
        rows.append((f"**{escape(requirement.id)}**", escape(requirement.text), code, named, results))
    columns = (
        Column("Requirement", 1.05), Column("The software shall …", 2.6), Column("Code", 2.3),
        Column("Tests", 2.3), Column("Result", 0.7),
    )  # fmt: skip
    caption = "Requirements, the code that meets them, the tests that verify them, and the result of the last run."
    note = (
        "Code lies under `src/pneumoscope/`. *3 `room/name`*: three tests in `tests/room/test_name.py`; "
        "`test-results.json` names each with its result."
    )
    yield Table("table-requirements", caption, columns, tuple(rows), note)


def _short(file: str) -> str:
    return file.removeprefix("tests/").removesuffix(".py").replace("test_", "")


def risks(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Hazard, cause, harm, draft estimates, controls with their requirements, what is left and whether it would do."""
    rows = tuple(
        (
            f"**{escape(risk.id)}** {escape(risk.ml)}",
            f"{escape(risk.situation)} *Cause:* {escape(risk.cause)}",
            f"{escape(risk.harm)} ({risk.severity})",
            f"{risk.before} → {risk.after}",
            ", ".join(escape(control) for control in risk.controls),
            f"{escape(risk.left)} *Acceptable:* {escape(risk.acceptable)}",
        )
        for risk in inputs.risks
    )
    columns = (
        Column("Id, ML", 0.75), Column("Hazardous situation", 2.3), Column("Harm (severity)", 1.1),
        Column("Probability", 0.95), Column("Controls", 0.95), Column("What is left", 1.9),
    )  # fmt: skip
    caption = (
        "Hazards, controls and what is left. Each control is a requirement with its tests in [@table-requirements]."
    )
    yield Table("table-risks", caption, columns, rows)


def bill_of_materials(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Name, version and licence of everything that the base installation brings, two packages a row."""
    shown = [(escape(one.name), escape(one.version), escape(licence_of(one.name))) for one in inputs.components]
    half = (len(shown) + 1) // 2
    right = [*shown[half:], ("", "", "")][:half]
    rows = tuple((*first, *second) for first, second in zip(shown[:half], right, strict=True))
    one = (Column("Package", 1.3), Column("Version", 0.7), Column("Licence", 1.1))
    note = "Licences as the packages state them. Suppliers and hashes are in the file."
    yield Table("table-sbom", "Packages of the base installation, from the lock file.", (*one, *one), rows, note)


def native(_inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield what is needed beside Python packages."""
    rows = tuple(
        tuple(map(escape, (one.name, one.version, one.supplier, one.licence, one.note))) for one in read_native()
    )
    columns = (
        Column("Component", 1), Column("Version", 1.6), Column("Supplier", 1.5), Column("Licence", 1),
        Column("For", 1.6),
    )  # fmt: skip
    yield Table("table-native", "Interpreter, libraries and codecs beside the packages.", columns, rows)


def cannot_see(_inputs: Inputs, _numbers: Numbers) -> Iterator[Bullets]:
    """Yield what `dossier verify` cannot see, from its own source."""
    from pneumoscope.dossier.verify import CANNOT_SEE

    yield Bullets(tuple(f"{one[0].upper()}{one[1:]}." for one in CANNOT_SEE))


def checklist(name: str) -> Iterator[Table]:
    """Yield a filled reporting checklist; each item says where, with its page, or who must provide it.

    Raises:
        ConfigError: The checklist's file is not as it must be.
    """
    text = (resources.files("pneumoscope.dossier") / "checklists.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    if name not in lists:
        raise ConfigError(f"expected a checklist among {', '.join(lists)}, found {name!r}")
    chosen = lists[name]
    found = [(escape(item["item"]), escape(item["topic"]), _place(item)) for item in chosen["items"]]
    half = (len(found) + 1) // 2
    second = [*found[half:], ("", "", "")][:half]
    rows = tuple((*one, *other) for one, other in zip(found[:half], second, strict=True))
    one = (Column("Item", 0.5), Column("Topic, in our words", 1.7), Column("Where", 1.6))
    yield Table(f"table-{name}", f"{chosen['title']} [Source]({chosen['url']}).", (*one, *one), rows)


def _place(item: dict[str, str]) -> str:
    places = ", ".join(f"[@{key}:page]" for key in item.get("see", "").split())
    return "; ".join(part for part in (places, item.get("note", "")) if part)
