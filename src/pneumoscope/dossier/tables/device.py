"""Tables of what the device is: outputs under each claim, devices on the market, checks of the software."""

from collections.abc import Iterator

from pneumoscope.core import Claim
from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

REGULATIONS = {
    Claim.TRIAGE: ("21 CFR 892.2080", "Radiological computer aided triage and notification software", "CADt"),
    Claim.DETECTION: ("21 CFR 892.2070", "Medical image analyzer", "CADe"),
    Claim.BOTH: ("21 CFR 892.2090", "Radiological computer-assisted detection and diagnosis software", "CADe/CADx"),
}


def outputs(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield what the device shows under each claim, from the same switch that the software obeys."""
    chosen = inputs.device.claim

    def cells(allowed: dict[Claim, bool]) -> tuple[str, ...]:
        return tuple(("yes" if allowed[claim] else "no") for claim in Claim)

    always = dict.fromkeys(Claim, True)
    location = {claim: claim.shows_location for claim in Claim}
    order = {claim: claim.orders_worklist for claim in Claim}
    rows = (
        (
            "Result per image: suspicious, not suspicious, uncertain, refused or failed, with the reasons",
            *cells(always),
        ),
        ("Structured report (DICOM SR, TID 1500) with probability, threshold and model", *cells(always)),
        ("Heat map and outline on the Secondary Capture", *cells(location)),
        ("Place in a worklist", *cells(order)),
    )
    titles = [f"{claim}{' (this document)' if claim is chosen else ''}" for claim in Claim]
    columns = (Column("Output", 4), *(Column(title, 1.5) for title in titles))
    yield Table(
        "table-outputs",
        "Outputs under each claim, from the rule that the software itself uses [=REQ-CL-01].",
        columns,
        rows,
    )


def predicates(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield this device beside devices on the market."""
    device = inputs.device
    regulation, name, kind = REGULATIONS[device.claim]
    own = (
        f"**{escape(device.name)}** (this device)",
        f"{regulation} ({kind})",
        "Signs of pneumonia",
        f"From age {device.youngest_years:g}; adults and children reported apart",
        "See [@table-outputs]",
        "Frontal views; " + ("worklist order" if device.claim is Claim.TRIAGE else "concurrent second opinion"),
    )
    rows = [own] + [
        (
            f"{escape(one.name)} ({escape(one.number)})",
            f"{REGULATIONS[one.claim][0]} ({REGULATIONS[one.claim][2]})",
            escape(one.finding),
            escape(one.population),
            escape(one.output),
            escape(one.note),
        )
        for one in device.predicate
    ]
    columns = (
        Column("Device", 1.3), Column("Regulation", 1.2), Column("Finding", 1.4),
        Column("Population", 1.1), Column("Output", 1.4), Column("Use", 1.5),
    )  # fmt: skip
    caption = f"This device ({name}) beside devices on the market that come near it; public facts only."
    yield Table("table-predicates", caption, columns, tuple(rows))


def checks(_inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield the checks of the software, named and described by their own code."""
    from pneumoscope.intake import CHECKS

    rows = tuple(
        (
            str(place),
            f"`{check.__name__.removeprefix('check_')}`",
            escape((check.__doc__ or "").partition("\n\n")[0].removeprefix("Check ").rstrip(".")),
        )
        for place, check in enumerate(CHECKS, start=1)
    )
    columns = (Column("No.", 0, right=True), Column("Check", 0), Column("Checks …", 1))
    yield Table(
        "table-checks", "Checks of header and pixels, in the order in which the software makes them.", columns, rows
    )


def special_controls(inputs: Inputs, _numbers: Numbers) -> Iterator[Table]:
    """Yield the special controls of the claim's regulation, in our words, and where each is answered."""
    triage = inputs.device.claim is Claim.TRIAGE
    effect = "triage is effective: flagged images are read sooner" if triage else "readers do better with the device"
    identity = (
        (
            "(a)",
            "Aids prioritisation of a time-sensitive finding",
            "[@indications]; [!why pneumonia is time-sensitive here]",
        ),
        (
            "(a)",
            "Notifies named clinicians",
            "[@worklist-order], webhook [=REQ-NT-01]; [!list of clinicians to notify]",
        ),
        ("(a)", "Marks no location", "[@claim-chosen] [=REQ-CL-01]"),
        (
            "(a)",
            "Removes no case from the reading queue",
            "[@worklist-order]: every study stays in the list [=REQ-TR-02]",
        ),
        ("(a)", "Works in parallel with the standard of care, which stays the default", "[@indications]"),
    )
    rows = (
        *(identity if triage else ()),
        ("(b)(1)(i)", "Description of the algorithms, inputs, outputs, blocks and limits", "[@design], [@limitations]"),
        ("(b)(1)(ii)", f"Protocol and data set of a test that {effect}", "[@reader-protocol], [@plan]"),
        ("(b)(1)(iii)", "Results of that test", "[@worklist-waits] (simulated); [!results of the study]"),
        ("(b)(1)(iv)", "Stand-alone performance, by confounder, associated disease and acquisition", "[@standalone]"),
        (
            "(b)(1)(v)",
            "Software: hazards, requirements, design, traceability, verification",
            "[@risk], [@requirements]",
        ),
        ("(b)(2)(i)", "Labelling: patients", "[@indications]"),
        ("(b)(2)(ii)", "Labelling: users and their training", "[@intended-use]; [!training material]"),
        ("(b)(2)(iii)", "Labelling: warnings, precautions, where the device may fail", "[@limitations], [@nutrition]"),
        (
            "(b)(2)",
            "Labelling: compatible hardware, protocols, what images must be",
            "[@dicom-checks]; [!list of tested units]",
        ),
        ("(b)(2)(iv)", "Labelling: operating instructions", "[@instructions]"),
        ("(b)(2)(v)", "Labelling: summary of the tests with intervals and sub-analyses", "[@nutrition], [@standalone]"),
    )
    columns = (Column("Part", 0.7), Column("Special control, in our words", 3.2), Column("Where", 1.6))
    caption = f"{REGULATIONS[inputs.device.claim][0]} point by point, and where each is answered."
    note = "The points are in the authors' words and numbering from memory; the codified text must be compared."
    yield Table("table-special-controls", caption, columns, rows, note)
