"""Routes that the viewer fetches from: grey values, heat map, colour scale."""

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from pneumoscope.service.store import results
from pneumoscope.service.web.access import person_of
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.errors import NotFoundError
from pneumoscope.service.web.study import heat_path
from pneumoscope.service.web.summaries import summary_of
from pneumoscope.service.web.viewer_image import heat_layer, heat_of, scale_bar, viewer_image

router = APIRouter(prefix="/images", include_in_schema=False, dependencies=[Depends(person_of)])

Parts = Annotated[Context, Depends(context_of)]


@router.get("/scale.png")
def get_scale() -> Response:
    """Return the heat map's colours from 0 to 1."""
    return Response(cache(scale_bar)(), media_type="image/png")


@router.get("/{image_id}/pixels")
def get_pixels(request: Request, parts: Parts, image_id: int) -> Response:
    """Return the grey values as rows of little-endian 16-bit numbers; size, scale and orientation are headers."""
    image = parts.image(image_id)
    if image.file is None:
        raise NotFoundError("the image is no longer kept here, its result is")
    parts.note(request, "pixels", image.uid)
    shown = viewer_image(parts.spool.path(image.file))
    return Response(shown.grey, media_type="application/octet-stream", headers=shown.headers)


@router.get("/{image_id}/heat")
def get_heat(request: Request, parts: Parts, image_id: int) -> Response:
    """Return the heat map as a transparent layer; 404 where there is none, or the claim shows no location."""
    image = parts.image(image_id)
    one = summary_of(image, results.of_image(parts.store, image_id))
    path = heat_path(one, spool=parts.spool, claim=parts.config.reading.claim)
    if path is None:
        raise NotFoundError("there is no heat map to show for this image")
    parts.note(request, "heat", image.uid)
    return Response(heat_layer(heat_of(parts.spool.path(path))), media_type="image/png")
