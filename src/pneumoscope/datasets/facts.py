"""What is known of a source apart from its rows: for data sheets, and for whoever must cite it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """A data set's origin and terms, and what its publishers or others found wrong with it."""

    source: str
    title: str
    citation: str
    link: str
    licence: str
    motivation: str
    collection: str
    labelling: str
    gets_wrong: tuple[str, ...]
