"""Why a Postgres server gives no session: one table of causes, each with its message and remedy."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """One row. In its texts `{place}` is host and port, `{user}` and `{name}` the role and the database, `{said}` the
    server's own words, `{url}` the variable that holds the connection string.
    """

    state: str
    pattern: str  # found in the text of libpq, in whatever case
    summary: str
    remedy: str
    unclear: bool = False  # it may well give sessions, at another time or to another machine
    transient: bool = False  # worth another try at once

    def fits(self, text: str) -> bool:
        return re.search(self.pattern, text, re.IGNORECASE) is not None


CAUSES: Final = (
    # What a server says comes first: of several addresses one may answer while another cannot be reached.
    Cause(
        "NO PASSWORD",
        r"no password supplied|empty password",
        "{place} asks for a password, and there is none in the connection string",
        "put the password of {user} into {url}: postgresql://USER:PASSWORD@HOST/DATABASE",
    ),
    Cause(
        "BLOCKED",
        r"ECIRCUITBREAKER|too many authentication failures",
        "{place} takes no connections for some minutes, after too many wrong passwords",
        "correct the password in {url}, wait some minutes, then run again",
        unclear=True,
    ),
    Cause(
        "BAD PASSWORD",
        r"password authentication failed|SASL authentication failed|wrong password",
        "{place} refuses the password of {user} (or has no such role)",
        "put the current connection string into {url}; in a password @ : / # ? % are percent-encoded (@ is %40)",
    ),
    Cause(
        "NO SUCH TENANT",
        r"tenant or user not found|tenant/user .* not found|\bENOTFOUND\b",
        "the pooler at {place} knows no project for {user}",
        "copy the pooler's connection string from Supabase (Connect): its user is postgres.PROJECT-REF, its host the "
        "project's own region and cluster; a paused project must be restored first",
    ),
    Cause(
        "NO SUCH ROLE",
        r'role "[^"]*" does not exist',
        "{place} has no role {user}",
        "correct the user in {url}, or create the role",
    ),
    Cause(
        "NO LOGIN",
        r"is not permitted to log in",
        "the role {user} at {place} may not log in",
        "ALTER ROLE with LOGIN, or put a role that may log in into {url}",
    ),
    Cause(
        "NO SUCH DATABASE",
        r'database "[^"]*" does not exist',
        "{place} has no database {name}",
        "create the database {name}, or correct the name at the end of {url}",
    ),
    Cause(
        "CLOSED",
        r"not currently accepting connections",
        "the database {name} at {place} accepts no connections",
        "ALTER DATABASE with ALLOW_CONNECTIONS true, or put another database into {url}",
    ),
    Cause(
        "NO CONNECT RIGHT",
        r"permission denied for database",
        "the role {user} may not connect to the database {name} at {place}",
        "as its owner: GRANT CONNECT ON DATABASE to the role of {url}",
    ),
    Cause(
        "TOO MANY CONNECTIONS",
        r"too many (?:clients|connections)|connection slots|max(?:imum)? client|MaxClients|no more connections allowed",
        "{place} has no connection to spare: {said}",
        "close idle sessions, or use the provider's pooled connection string in {url}; then run again",
        unclear=True,
        transient=True,
    ),
    Cause(
        "SSL REQUIRED",
        r"connection is insecure|SSL connection is required|SSL/TLS required",
        "{place} takes only encrypted connections",
        "add ?sslmode=require to the end of {url}",
    ),
    Cause(
        "NOT ALLOWED",
        r"no pg_hba.conf entry|pg_hba.conf rejects",
        "{place} does not let {user} in from this machine: {said}",
        "allow this machine and role in the server's pg_hba.conf, or add ?sslmode=require to {url} if it must encrypt",
    ),
    Cause(
        "NOT ALLOWED FROM HERE",
        r"IP address .* is not allowed|not in the allow.?list|address not in tenant allow",
        "{place} does not let this machine in: {said}",
        "add this machine's address to the project's allowed addresses, or run the gate where the app runs",
        unclear=True,
    ),
    Cause(
        "ENDPOINT DISABLED",
        r"endpoint (?:is|has been) (?:temporarily )?disabled|access to this endpoint",
        "Neon's endpoint at {place} is disabled",
        "enable the compute of this branch in Neon's console, or put another branch's connection string into {url}",
    ),
    Cause(
        "NO SUCH ENDPOINT",
        r"endpoint could not be found|endpoint not found",
        "Neon knows no endpoint {place}",
        "copy the connection string of an existing branch from Neon's console (Connect) into {url}",
    ),
    Cause(
        "NO ENDPOINT ID",
        r"endpoint ID is not specified",
        "Neon cannot tell which endpoint is meant, since the host is not the endpoint's own name",
        "use the host name that Neon's console shows (ep-...) in {url}, not an address or an alias",
    ),
    Cause(
        "QUOTA",
        r"exceeded the .*(?:quota|limit)",
        "the provider keeps the database at {place} shut: {said}",
        "raise the plan's limit, or wait until it starts anew",
    ),
    Cause(
        "UNSUPPORTED PARAMETER",
        r"unsupported startup parameter",
        "the pooler at {place} does not take a parameter of the connection string: {said}",
        "take `options` out of {url}, or use the direct connection string",
    ),
    Cause(
        "STARTING",
        r"database system is|couldn.t connect to compute node|terminating connection due to administrator",
        "{place} is there but not ready: {said}",
        "wait until the database has started, then run again",
        unclear=True,
        transient=True,
    ),
    Cause(
        "NO SSL",
        r"server does not support SSL",
        "{place} does not encrypt, and the connection string demands it",
        "take sslmode=require out of {url} if the database is local; otherwise correct host and port",
    ),
    Cause(
        "CERTIFICATE",
        r"certificate verify failed|root certificate file|does not match host name",
        "the certificate of {place} is not trusted: {said}",
        "name the provider's certificate in {url} (sslrootcert=FILE), or use sslmode=require",
    ),
    Cause(
        "NOT POSTGRES",
        r"invalid response to SSL|expected authentication request|unexpected response|SSL error: wrong version",
        "what listens at {place} is not Postgres",
        "correct host and port in {url}",
    ),
    # Then what the network says.
    Cause(
        "REFUSED",
        r"connection refused",
        "nothing listens at {place} (connection refused)",
        "start the database there, or correct host and port in {url}",
    ),
    Cause(
        "HUNG UP",
        r"closed the connection unexpectedly|connection reset|broken pipe",
        "{place} hangs up without a word",
        "see that a Postgres server runs there and look at its log, or correct host and port in {url}",
        transient=True,
    ),
    Cause(
        "NO RESOLVER",
        r"temporary failure in name resolution|try again",
        "the host name of {place} cannot be looked up now",
        "check the network and DNS of this machine, then run again",
        unclear=True,
    ),
    Cause(
        "UNKNOWN HOST",
        r"failed to resolve host|could not translate host name",
        "the host name of {place} does not exist",
        "correct the host in {url}; a deleted or paused project's name disappears too",
    ),
    Cause(
        "UNREACHABLE",
        r"network is unreachable|no route to host|cannot assign requested address|host is (?:down|unreachable)",
        "{place} cannot be reached from this machine: {said}",
        "check this machine's network; without IPv6 (as on GitHub's runners) a Supabase database is reached by its "
        "session pooler's connection string",
        unclear=True,
    ),
    Cause(
        "TIMEOUT",
        r"timeout expired|timed out",
        "{place} gave no answer within {seconds:g} s",
        "see whether the database is up and its firewall lets this machine in, then run again",
        unclear=True,
    ),
    Cause(
        "NO SOCKET",
        r"on socket .* failed",
        "no Postgres serves the socket in {place}",
        "start the database there, or correct host in {url}",
    ),
    Cause(
        "BAD PARAMETER",
        r"invalid (\w+) value|invalid (?:integer|port)",
        "the connection string holds a value that Postgres does not know: {said}",
        "correct that parameter in {url}",
    ),
)
_OTHER: Final = Cause(
    "NO SESSION",
    "",
    "{place} gave no session: {said}",
    "correct what the server names, in {url} or at the server, then run again",
)


def cause_of(text: str) -> Cause:
    """Return the row of what libpq says; all of its lines count, one for each address of the host."""
    return next((cause for cause in CAUSES if cause.fits(text)), _OTHER)
