"""The web page, the REST interface and access control; one application, made by `create_app`.

    app = create_app(config, store=store, spool=spool, inbox=inbox, artifact=artifact)
    token = first_token(config, store)          # shown once, on the terminal, where the page requires sign-in
    uvicorn.run(app, host=config.web.host, port=config.web.port, proxy_headers=False, access_log=False,
                server_header=False, ssl_certfile=config.web.tls_certificate, ssl_keyfile=config.web.tls_key)

`proxy_headers=False` matters: uvicorn itself would believe forged addresses. Paths carry row numbers, never a UID or
anything of a patient.
"""

from pneumoscope.service.web.accounts import Accounts, Role
from pneumoscope.service.web.app import create_app, first_token

__all__ = ["Accounts", "Role", "create_app", "first_token"]
