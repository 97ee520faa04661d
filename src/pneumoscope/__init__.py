"""Pneumoscope: finds signs of pneumonia on frontal chest radiographs; research software, not a medical device."""

__version__ = "0.5.0"
