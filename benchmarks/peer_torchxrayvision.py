"""What a torchxrayvision user would write: DICOM files in, one line of probabilities each out.

Follows the library's own example: `read_xray_dcm`, `XRayCenterCrop`, `XRayResizer(224)`, DenseNet-121 at 224 px,
PyTorch eager, one image at a time. The weights are random, which costs the same time and needs no download.

    python benchmarks/peer_torchxrayvision.py PATH -o results.jsonl
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import torch

if version("torch").endswith("+cpu") and not version("torchvision").endswith("+cpu"):
    # The index's torchvision is compiled for CUDA builds; its import only asks that these are declared.
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision
import torchxrayvision as xrv


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    paths = sorted(arguments.path.glob("*.dcm")) if arguments.path.is_dir() else [arguments.path]

    model = xrv.models.DenseNet(num_classes=18, apply_sigmoid=True).eval()
    transform = torchvision.transforms.Compose([xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)])
    with arguments.output.open("w") as output, torch.no_grad():
        for path in paths:
            image = transform(xrv.utils.read_xray_dcm(path)[None])
            probabilities = model(torch.from_numpy(image)[None])[0]
            output.write(json.dumps({"path": str(path), "probabilities": probabilities.tolist()}) + "\n")


if __name__ == "__main__":
    main()
