"""The demo's synthetic studies, of no patient; `tools/synthetic_studies` of the repository draws them."""

from pneumoscope.phantom.studies import Study, studies, studies_folder

__all__ = ["Study", "studies", "studies_folder"]
