"""One log line for each request, and an answer to every exception; neither says anything of a patient."""

import time
import traceback
from pathlib import Path

from starlette.types import Message, Receive, Scope, Send

from pneumoscope.service.log import logger
from pneumoscope.service.web.errors import refuse
from pneumoscope.service.web.security import Guard

_QUIET = ("/static/", "/healthz", "/readyz", "/metrics")


class AccessLog(Guard):
    """Log method, route, status, time and user; the route is the pattern, so that no address is quoted.

    An exception that nothing expected becomes status 500. Its words stay out of log and answer, since they may quote
    a header; its type and the place where it was raised are enough to find the fault.
    """

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001  the outermost place: nobody else would answer
            logger.error("request failed", route=_route(scope), error=type(error).__name__, at=_place(error))
            if not status:
                detail = "the fault is in the node's log; try again, and tell the administrator if it stays"
                await refuse(scope, receive, noted, status=500, detail=detail)
        if status >= 400 or not scope["path"].startswith(_QUIET):
            user = scope.get("state", {}).get("user")
            logger.info(
                "request",
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                user=user.name if user else None,
            )


def _route(scope: Scope) -> str:
    """Return the route's pattern, such as `/images/{image_id}`, never the path itself."""
    route = scope.get("route")
    return str(getattr(route, "path", "unknown"))


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
