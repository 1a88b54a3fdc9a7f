"""What goes wrong between a stack and AWS, in words."""

from __future__ import annotations

from obskit.errors import SourceError


class DeployError(SourceError):
    """AWS refused, failed, or holds something in the way. Exit code 3."""


class AwsError(DeployError):
    """One call failed.

    Args:
        call: As IAM names it: ``ecs:CreateService``.
        code: AWS's error code; the exception's name where no answer came.
        message: What AWS said, on one line, without secrets.
        status: The HTTP status; 0 where no answer came.
        ambiguous: Whether the call may have taken effect all the same.
        unsent: Whether it is certain that it never reached AWS.
        hint: What to do next.
    """

    def __init__(
        self,
        call: str,
        code: str,
        message: str,
        *,
        status: int = 0,
        ambiguous: bool = False,
        unsent: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(f"{call} failed: {code}", where={"aws": message}, hint=hint)
        self.call, self.code, self.message = call, code, message
        self.status, self.ambiguous, self.unsent = status, ambiguous, unsent
