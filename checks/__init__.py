"""The built-in gate: its checks in the order in which they are judged."""

from typing import Final

from infracheck.model import Check

from . import (  # noqa: F401 - registers what makes its checks true
    provision_auth,
    provision_database,
    provision_env,
    provision_schema,
    provision_sentry,
)
from .auth import auth_responds
from .auth_login import auth_otp_login
from .auth_origin import auth_trusts_origin
from .commands import command_checks
from .database import database_connects
from .database_provisioned import database_provisioned
from .database_usable import database_usable
from .env import env_filled
from .env_documented import env_documented
from .env_private import env_private
from .env_real import env_real
from .flow import user_flow
from .pages import server_pages
from .schema import schema_tables
from .schema_matches import schema_matches
from .sentry import sentry_receives
from .sentry_configured import sentry_configured
from .sentry_provisioned import sentry_provisioned
from .server import server_boots, server_stops
from .waivers import waivers_valid

__all__ = ["GATE", "command_checks"]

GATE: Final[tuple[Check, ...]] = (
    env_filled,
    env_real,
    env_documented,
    env_private,
    database_connects,
    database_provisioned,
    database_usable,
    schema_tables,
    schema_matches,
    auth_responds,
    auth_trusts_origin,
    auth_otp_login,
    sentry_configured,
    sentry_provisioned,
    sentry_receives,
    server_boots,
    server_pages,
    user_flow,
    server_stops,
    waivers_valid,
)
