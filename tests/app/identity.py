"""A provider of identities that lets everybody in as whom it was told: OpenID Connect, for real."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT = "grice-studio"


@dataclass
class Provider:
    """A running provider; `person` may be changed between sign-ins."""

    url: str
    person: dict[str, Any]

    def secrets(self, app_url: str) -> str:
        """What the app's secrets have to say to use it."""
        return (
            "[auth]\n"
            f'redirect_uri = "{app_url}/oauth2callback"\n'
            'cookie_secret = "a secret for tests"\n'
            f'client_id = "{CLIENT}"\n'
            'client_secret = "another one"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    key = RSAKey.generate_key(2048, {"kid": "test"})
    app = Flask("identity")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    found = Provider(f"http://127.0.0.1:{server.port}", {})
    nonces: dict[str, str] = {}

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return jsonify(
            issuer=found.url,
            authorization_endpoint=f"{found.url}/authorize",
            token_endpoint=f"{found.url}/token",
            jwks_uri=f"{found.url}/jwks",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @app.get("/authorize")
    def authorize() -> Any:
        code = f"code-{len(nonces)}"
        nonces[code] = request.args.get("nonce", "")
        query = urlencode({"code": code, "state": request.args["state"]})
        return redirect(f"{request.args['redirect_uri']}?{query}")

    @app.post("/token")
    def token() -> Response:
        now = int(time.time())
        claims = {
            "iss": found.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            "nonce": nonces.pop(request.form["code"]),
            **found.person,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "test"}, claims, key)
        return jsonify(access_token="-", token_type="Bearer", expires_in=600, id_token=signed)

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify(keys=[key.as_dict(private=False)])

    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join(timeout=10)
