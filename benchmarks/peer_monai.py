"""What a MONAI user would write: DICOM files in, one line of probabilities each out.

Follows MONAI's own classification tutorial: `LoadImage`, `EnsureChannelFirst`, `ScaleIntensity`, `Resize`,
`DenseNet121`, PyTorch eager, one image at a time. The weights are random, which costs the same time and needs no
download.

    python benchmarks/peer_monai.py PATH -o results.jsonl
"""

import argparse
import json
from pathlib import Path

import torch
from monai.networks.nets import DenseNet121
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Resize, ScaleIntensity


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    paths = sorted(arguments.path.glob("*.dcm")) if arguments.path.is_dir() else [arguments.path]

    model = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1).eval()
    transform = Compose(
        [
            LoadImage(reader="PydicomReader", image_only=True, swap_ij=False),
            EnsureChannelFirst(channel_dim="no_channel"),
            ScaleIntensity(),
            Resize((224, 224)),
        ]
    )
    with arguments.output.open("w") as output, torch.no_grad():
        for path in paths:
            image = transform(path).squeeze()[None, None].as_tensor()
            probability = torch.sigmoid(model(image))[0]
            output.write(json.dumps({"path": str(path), "probabilities": probability.tolist()}) + "\n")


if __name__ == "__main__":
    main()
