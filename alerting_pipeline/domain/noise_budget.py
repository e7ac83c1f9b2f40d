"""How many messages a recipient is still to be told at once, counted over a window that slides with the business clock.

What is above waits for the recipient's next digest. Critical incidents are neither counted nor held back, and whatever
changes a message that somebody has already costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alerting_pipeline.domain.holding import CRITICAL
from alerting_pipeline.domain.recipient import Recipient

NOISE_BUDGET = "noise_budget"
"""The built-in definition of the task that an overrun budget is: it must not itself wait for the digest."""


@dataclass(slots=True)
class Budgets:
    """What each recipient has used. `whose` says who reads a destination, `used` how much of a budget is used."""

    whose: Callable[[str], Recipient | None] = lambda destination: None
    used: Callable[[Recipient], int] = lambda recipient: 0
    overrun: dict[str, Recipient] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)

    def holder(self, destination: str, alert: str, severity: str) -> Recipient | None:
        """Whose budget a message about such an incident counts for; None: nobody's."""
        if severity == CRITICAL or alert == NOISE_BUDGET:
            return None
        recipient = self.whose(destination)
        return recipient if recipient is not None and recipient.budget is not None else None

    def take(self, recipient: Recipient) -> bool:
        """Use one message of the budget; False, and noted as overrun, where there is none left."""
        if recipient.name not in self._left:
            allowed = recipient.budget.messages if recipient.budget is not None else 0
            self._left[recipient.name] = allowed - self.used(recipient)
        if self._left[recipient.name] <= 0:
            self.overrun[recipient.name] = recipient
            return False
        self._left[recipient.name] -= 1
        return True
