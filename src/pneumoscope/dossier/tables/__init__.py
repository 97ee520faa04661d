"""Tables of the document, each a function from the inputs and the resolver to content; no number is typed in one."""

from pneumoscope.dossier.tables import action, device, guard, impact, performance, registers, training

__all__ = ["action", "device", "guard", "impact", "performance", "registers", "training"]
