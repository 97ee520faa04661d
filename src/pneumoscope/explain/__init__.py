"""Where in the image the model's answer comes from."""

from pneumoscope.explain.heat import heat_map

__all__ = ["heat_map"]
