"""The parts of the node that routes work with, put into the application once by `create_app`."""

import threading
from dataclasses import dataclass, field

from starlette.requests import Request

from pneumoscope.model import Artifact
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Image, Store, images, people
from pneumoscope.service.web.access import user_of
from pneumoscope.service.web.accounts import Accounts
from pneumoscope.service.web.errors import NotFoundError
from pneumoscope.service.web.oidc import Provider

_NOW_AND_THEN_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """The node's parts; `accounts` is None where nobody signs in, `provider` where nobody does so elsewhere."""

    config: ServiceConfig
    store: Store
    spool: Spool
    inbox: Inbox
    artifact: Artifact
    accounts: Accounts | None
    provider: Provider | None
    _noted: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def image(self, image_id: int) -> Image:
        """Return the image of that row number.

        Raises:
            NotFoundError: There is none.
        """
        found = images.of_ids(self.store, [image_id])
        if not found:
            raise NotFoundError(f"expected the number of an image that is here, found {image_id}")
        return found[0]

    def note(self, request: Request, action: str, target: str = "") -> None:
        """Write into the audit log who did what; comes before the answer, so that nothing is seen unnoted."""
        self.note_as(request, user_of(request).name, action, target)

    def note_as(self, request: Request, person: str, action: str, target: str = "") -> None:
        """Do the same for someone who is not, or not yet, signed in."""
        address = request.client.host if request.client else "unknown"
        people.audit(self.store, person=person, address=address, action=action, target=target)

    def note_now_and_then(self, request: Request, action: str) -> None:
        """Do the same once in ten minutes for each person: for what a page requests by itself every few seconds."""
        key, now = (user_of(request).name, action), self.store.now()
        with self._lock:
            due = not 0 <= now - self._noted.get(key, -_NOW_AND_THEN_S) < _NOW_AND_THEN_S
            if due:
                self._noted[key] = now
        if due:
            self.note(request, action)

    def feedback(self, request: Request, image_id: int, *, agrees: bool, comment: str) -> None:
        """Keep the feedback of the request's user on an image's result.

        Raises:
            NotFoundError: There is no such image.
        """
        image = self.image(image_id)
        self.note(request, "feedback", image.uid)
        person = user_of(request).name
        people.add_feedback(self.store, image, person=person, agrees=agrees, comment=comment.strip())


def context_of(request: Request) -> Context:
    """Return the application's context; a dependency of routes."""
    context: Context = request.app.state.context
    return context
