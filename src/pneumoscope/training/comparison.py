"""Ablations as a table: each variant's AUROC, pooled and within each view, and its difference from another's."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope.core import ArtifactError
from pneumoscope.evaluation import NotEstimable, Number, estimate
from pneumoscope.stats import auroc_clustered, holm, paired_auroc_difference

VIEWS = ("all", "PA", "AP")
TABLE = "ablations.csv"
# Facts of a variant that each of its lines repeats.
_FACTS = ("variant", "against", "what", "trainings", "seconds", "images_per_s", "config_sha256", "manifest_sha256")


def compare(folder: Path, references: tuple[str, ...]) -> pd.DataFrame:
    """Return the table of all variants in a folder of `ablations.ablate`, and write it there as `ablations.csv`.

    A line a variant, reference and view. Intervals and p-values know that a patient's films are alike; p-values are
    corrected for all comparisons of the table, of every reference and view (Holm). Empty: not estimable, or there is
    nothing to compare.

    Raises:
        ArtifactError: There is no variant, or they were made by plans that differ in more than their variants.
    """
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise ArtifactError(f"expected variants (NAME.json, NAME.parquet) in {folder}, found none")
    for name in ("shared_sha256", "manifest_sha256"):
        if len(made_of := {record[name]: record["variant"] for record in records}) > 1:
            raise ArtifactError(
                f"{folder}: expected variants of one plan and manifest, found {name} different for "
                f"{' and '.join(made_of.values())}; make all of them again"
            )
    records.sort(key=lambda record: record["variant"] != record["against"])  # what others are compared with comes first
    facts = {record["variant"]: record for record in records}
    scores = {name: _scores(folder / f"{name}.parquet") for name in facts}
    read = {frozenset(one.index): name for name, one in scores.items()}
    if len(read) > 1:
        raise ArtifactError(
            f"{folder}: expected variants that read the same films, {' and '.join(read.values())} differ"
        )
    films = pd.concat([one.reset_index() for one in scores.values()]).drop_duplicates("image_id").set_index("image_id")
    ranks = pd.DataFrame({name: one["rank"] for name, one in scores.items()}).reindex(films.index)
    lines = []
    for reference in references:
        for view in VIEWS:
            rows = (films[reference].notna() & ((view == "all") | (films["view"] == view))).to_numpy()
            lines += [_line(films[rows], ranks[rows], facts[name], reference=reference, view=view) for name in facts]
    table = _corrected(pd.DataFrame(lines))
    table.to_csv(folder / TABLE, index=False, float_format="%.4f")
    return table


def _scores(path: Path) -> pd.DataFrame:
    """Return for each image the mean rank over seeds, the patient, the view and the references."""
    by_image = pd.read_parquet(path).groupby("image_id")
    return by_image.first().assign(rank=by_image["rank"].mean())


def _line(
    films: pd.DataFrame, ranks: pd.DataFrame, facts: dict[str, str], *, reference: str, view: str
) -> dict[str, object]:
    truth: Bool[np.ndarray, " n"] = films[reference].to_numpy() == 1
    patient, score = films["patient_id"].to_numpy(), ranks[facts["variant"]].to_numpy()
    line: dict[str, object] = {name: facts[name] for name in _FACTS}
    line |= {"reference": reference, "view": view, "n": truth.size, "positives": int(truth.sum())}
    line |= _named("auroc", estimate(lambda: auroc_clustered(truth, score, cluster=patient)))
    other = facts["against"]
    if other in ranks and other != facts["variant"]:
        against = ranks[other].to_numpy()
        found = estimate(lambda: paired_auroc_difference(truth, first=score, second=against, cluster=patient))
        line |= _named("difference", found)
    return line


def _named(name: str, found: Number | NotEstimable) -> dict[str, object]:
    if isinstance(found, NotEstimable):
        return {}
    numbers: dict[str, object] = {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    if found.p_value is not None:
        numbers |= {f"{name}_half_width": (found.high - found.low) / 2, "p_value": found.p_value}
    return numbers


def _corrected(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with corrected p-values, `p_holm`, where they have a p-value."""
    if "p_value" not in lines:
        return lines
    compared = lines["p_value"].notna()
    return lines.assign(p_holm=pd.Series(holm(lines.loc[compared, "p_value"].to_numpy()), index=lines.index[compared]))
