"""Every exception infracheck raises on purpose, and the exit codes.

InfracheckError
  UsageError         the command line, infracheck.toml or the folder is wrong: nothing ran    exit 2
  NotApplicable      the check has nothing to judge here                                     becomes Skipped
  Unavailable        something another check answers for is not there                        becomes Blocked
  ClientError        a service did not answer as it should                                   becomes Failed
    Unclear          ... and whether it would is not known (timeout, quota, no permission)   becomes Undecided

BaseException
  Interrupted        Ctrl-C: clean up, then                                                  exit 130
    Terminated       SIGTERM or SIGHUP: the same, then                                       exit 143
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; `Report.exit_code` is the only place that chooses among the first five."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    UNDECIDED = 3
    EMPTY = 5
    INTERRUPTED = 130
    TERMINATED = 143


class InfracheckError(Exception):
    """The root: whatever infracheck raises on purpose is one of these."""


class UsageError(InfracheckError):
    """The question cannot be asked as it stands: says what is wrong, and what to do instead."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class NotApplicable(InfracheckError):
    """The check does not apply; the message quotes what excuses it."""


class Unavailable(InfracheckError):
    """What this check needs is not there, and the check `by` is the one that says why.

    `by` may come later in the gate: an auth service inside the app is served by the dev server.
    """

    def __init__(self, by: str, because: str) -> None:
        super().__init__(f"{by}: {because}")
        self.by = by
        self.because = because


class ClientError(InfracheckError):
    """A service refused or answered wrongly: one sentence of cause, one of remedy."""

    def __init__(self, summary: str, remedy: str, *, reproduce: str | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.remedy = remedy
        self.reproduce = reproduce


class Unclear(ClientError):
    """The service could not be asked to the end: neither yes nor no."""


class Interrupted(BaseException):
    """The user pressed Ctrl-C. No KeyboardInterrupt: command-line libraries make an exit code of that."""

    code = ExitCode.INTERRUPTED


class Terminated(Interrupted):
    """The process was asked to end by SIGTERM or SIGHUP."""

    code = ExitCode.TERMINATED
