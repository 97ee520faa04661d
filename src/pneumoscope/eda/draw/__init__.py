"""Figures as lists of marks, written as SVG and PNG (docs/adr/0010-figures.md says why not by matplotlib)."""
