"""Authentication: sessions, bearer tokens and origins, for sockets and for the JSON API."""

from realtime.auth.accounts import (
    MODERATORS,
    Account,
    Credentials,
    Identity,
    banned,
    identify,
    identify_each,
    issue_token,
    new_token,
    register_connection_check,
    session_credential,
    token_credential,
    token_row,
)
from realtime.auth.handshake import SUBPROTOCOL, SocketAuth, subprotocol
from realtime.auth.http import (
    ApiRequest,
    api,
    async_api,
    body,
    error_response,
    raw_body,
    retry_header,
)
from realtime.auth.usernames import accounts_named, register_usernames

__all__ = [
    "MODERATORS",
    "SUBPROTOCOL",
    "Account",
    "ApiRequest",
    "Credentials",
    "Identity",
    "SocketAuth",
    "accounts_named",
    "api",
    "async_api",
    "banned",
    "body",
    "error_response",
    "identify",
    "identify_each",
    "issue_token",
    "new_token",
    "raw_body",
    "register_connection_check",
    "register_usernames",
    "retry_header",
    "session_credential",
    "subprotocol",
    "token_credential",
    "token_row",
]
