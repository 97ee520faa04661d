"""What a run must say once, not once an image: ages that were not known, objects that could not be written."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pneumoscope.core import Decision, PopulationSource

_NOT_MADE = ("no ", "left out")


class Remarks:
    """Counts what is to be said at the end of a run."""

    def __init__(self) -> None:
        self._sources: Counter[tuple[str, str]] = Counter()
        self._not_made: Counter[str] = Counter()

    def add(self, decision: Decision | None, notes: Iterable[str]) -> None:
        """Count one reading, by its decision and its line's notes."""
        if decision is not None:
            self._sources[decision.population, decision.population_source] += 1
        self._not_made.update(note for note in notes if note.startswith(_NOT_MADE))

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind of thing: whose rule read films of unknown age, and what was not written."""
        for (population, source), count in sorted(self._sources.items()):
            if source == PopulationSource.DEFAULT:
                yield (
                    f"age not known: {count} read by the rule for {population}, the default "
                    "(--population or --refuse-unknown-age decide otherwise)"
                )
            elif source == PopulationSource.GIVEN:
                yield f"age not known: {count} read by the rule for {population}, as given"
        if self._not_made:
            yield "not written: " + "; ".join(f"{note} ({count} images)" for note, count in self._not_made.items())
