"""What the contest came to, as a table and as one document."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.trainer.before import Before
from benchmarks.trainer.measuring import Cost, Products
from benchmarks.trainer.work import Work, shape_of


@dataclass(frozen=True)
class Contest:
    """All contenders in one number format; the notebook's is always fp32."""

    products: Products
    ours: Cost
    ours_again: Cost
    """On the same data, so that the reference is known."""
    others: Mapping[str, Cost]
    before: Before | None = None
    """Ours as it was."""

    def ratio(self, other: str) -> float | None:
        """How many times as long another contender takes; None if it was not asked."""
        cost = self.others.get(other)
        return None if cost is None else cost.seconds / self.ours.seconds

    @property
    def ratio_before(self) -> float | None:
        """How many times as long ours took as it was."""
        return None if self.before is None else self.before.seconds / self.ours.seconds

    @property
    def memory_ratio_before(self) -> float | None:
        """Our peak memory over that of ours as it was."""
        return None if self.before is None else self.ours.peak_bytes / self.before.peak_bytes

    @property
    def share_of_peak(self) -> float:
        return self.ours.flops / self.ours.seconds / self.products.peak

    @property
    def memory_ratio_trl(self) -> float | None:
        """Our peak memory over TRL's."""
        cost = self.others.get("trl")
        return None if cost is None else self.ours.peak_bytes / cost.peak_bytes


def document(contests: Mapping[str, Contest]) -> dict[str, dict[str, float | None]]:
    """By precision, what the targets are about."""
    return {
        precision: {
            "ratio_trl": _rounded(contest.ratio("trl")),
            "ratio_notebook": _rounded(contest.ratio("notebook")),
            "share_of_peak": _rounded(contest.share_of_peak),
            "memory_ratio_trl": _rounded(contest.memory_ratio_trl),
            "ratio_before": _rounded(contest.ratio_before),
            "memory_ratio_before": _rounded(contest.memory_ratio_before),
        }
        for precision, contest in contests.items()
    }


def show(work: Work, origin: str, contest: Contest) -> None:
    """Print one number format's table."""
    products = contest.products
    print(
        f"\n{shape_of(work.size)}, {work.precision}, {work.num_pairs} {origin}, {work.stage.epochs} epochs "
        f"in steps of {work.stage.pairs_per_step}; matrix products reach {products.peak / 1e9:,.0f} GFLOP/s "
        f"at their best, {products.average / 1e9:,.0f} on average"
    )
    print(
        f"{'':24}{'seconds':>9}{'CPU s':>9}{'pairs/s':>9}{'as long':>9}"
        f"{'tokens/pair':>13}{'GFLOP/pair':>12}{'of peak':>9}{'memory':>10}"
    )
    rows = {"ours": contest.ours, "ours, reference known": contest.ours_again, **contest.others}
    for name, cost in rows.items():
        seen = work.num_pairs * work.stage.epochs
        print(
            f"{name:24}{cost.seconds:9.1f}{cost.cpu_s:9.1f}{seen / cost.seconds:9.2f}"
            f"{cost.seconds / contest.ours.seconds:8.2f}x"
            f"{cost.num_tokens / seen:13.0f}{cost.flops / seen / 1e9:12.0f}"
            f"{cost.flops / cost.seconds / products.peak:9.0%}{cost.peak_bytes / 2**20:7,.0f} MiB"
        )
    if contest.before:
        before = contest.before
        print(
            f"{'ours, before':24}{before.seconds:9.1f}{before.cpu_s:9.1f}{'':9}"
            f"{before.seconds / contest.ours.seconds:8.2f}x{'':31}{before.peak_bytes / 2**20:7,.0f} MiB"
        )
    again = contest.ours_again
    print(f"reference pass where known: {again.before.reference_s / again.seconds:.1%} of the time")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
