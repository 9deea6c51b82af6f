"""What an assessment says of the model's reply."""

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.policy import Minors, Signals


def carries_redirection(signals: Signals, assessed: Assessed) -> bool:
    """Tell whether a reply refuses and offers something better; an unknown one does not."""
    return (
        isinstance(assessed, Assessment)
        and assessed.refuses >= signals.refuses
        and assessed.redirects >= signals.redirects
    )


def is_unfit_for_minors(rules: Minors, assessment: Assessment) -> bool:
    """Tell whether a reply is held back from a minor."""
    return any(
        p >= rules.threshold for hazard, p in assessment.hazards.items() if hazard in rules.hazards
    )
