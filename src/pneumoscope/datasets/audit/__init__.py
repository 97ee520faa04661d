"""What is wrong with a manifest and its images: leaks, duplicates, contradictions, odd images, shortcuts."""

from pneumoscope.datasets.audit.audit import Audit, audit
from pneumoscope.datasets.audit.contrast import category_rates
from pneumoscope.datasets.audit.finding import Finding, Severity

__all__ = ["Audit", "Finding", "Severity", "audit", "category_rates"]
