"""Architectures, augmentation, fitting, export and evaluation. Needs the extra `train`."""

from pneumoscope.training import torchvision_operators

# Before anything imports torchvision: timm, Lightning and torchmetrics all do.
torchvision_operators.declare()
