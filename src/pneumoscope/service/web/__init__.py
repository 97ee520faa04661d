"""The page, the REST interface and who may see them; one application, made by `create_app`.

    app = create_app(config, store=store, spool=spool, inbox=inbox, artifact=artifact)
    token = first_token(config, store)          # shown once, on the terminal, where the page asks for sign-in
    uvicorn.run(app, host=config.web.host, port=config.web.port, access_log=False, server_header=False,
                ssl_certfile=config.web.tls_certificate, ssl_keyfile=config.web.tls_key)

Addresses carry row numbers, never a UID or anything of a patient.
"""

from pneumoscope.service.web.accounts import Accounts, Role
from pneumoscope.service.web.app import create_app, first_token, must_sign_in

__all__ = ["Accounts", "Role", "create_app", "first_token", "must_sign_in"]
