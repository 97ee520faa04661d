"""`[monitoring]`: what is watched, and when someone is told."""

from dataclasses import dataclass

from pneumoscope.service.config.rules import require, require_address, require_secret, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringConfig:
    """What is watched, and when someone is told.

    Attributes:
        days: Days that the charts reach back over.
        reference: First analysed images here that later ones are compared with; the comparison starts after them.
        batch: Images of one point in a control chart.
        least_agreement: Share of agreeing feedback below which someone is told, once its interval lies below.
        webhook: Address that gets an alert as JSON by POST; None: alerts are shown on the page only.
        token_env: Environment variable with a bearer token for it.
        self_test_hour: Hour of the day, in the server's time, of the known-image self-test.
    """

    days: float = 90.0
    reference: int = 200
    batch: int = 25
    least_agreement: float = 0.8
    webhook: str | None = None
    token_env: str | None = None
    self_test_hour: int = 5

    def __post_init__(self) -> None:
        require(self.days > 0, "monitoring.days", expected="a positive number", found=self.days)
        require(self.batch >= 5, "monitoring.batch", expected="5 or more", found=self.batch)
        expected = "at least four batches"
        require(self.reference >= 4 * self.batch, "monitoring.reference", expected=expected, found=self.reference)
        hour = self.self_test_hour
        require(0 <= hour <= 23, "monitoring.self_test_hour", expected="0 to 23", found=hour)
        require_address(self.webhook, where="monitoring.webhook")
        require_secret(self.token_env, where="monitoring.token_env")

    @property
    def token(self) -> str | None:
        """Return the bearer token, from the environment."""
        return secret(self.token_env)
