"""What a stack costs in a month at least: its parameters in, lines of dollars out.

The prices are AWS's list prices of us-east-1 ("Amazon Redshift pricing", "AWS Fargate pricing", "AWS Secrets Manager
pricing"), without tax; other regions cost up to twice as much. They are for an order of magnitude, not for a budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

HOURS = 730  # of a month, as AWS's own calculator counts
RPU_HOUR_USD = Decimal("0.375")
VCPU_HOUR_USD = Decimal("0.04048")
MEMORY_GB_HOUR_USD = Decimal("0.004445")
DISK_GB_HOUR_USD = Decimal("0.000111")
DISK_GB = 20  # of the 40 that the task has, 20 are free
SECRET_USD = Decimal("0.40")
STORAGE_GB_USD = Decimal("0.024")  # of Redshift; S3 takes about as much
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Cost:
    """A part of the bill, in US dollars a month."""

    what: str
    usd: Decimal


def monthly_floor(parameters: Mapping[str, str]) -> list[Cost]:
    """What must be paid in a month in which nothing runs."""
    costs = [
        Cost("workgroup at rest", Decimal(0)),
        Cost("admin secret, which Redshift rotates", SECRET_USD),
    ]
    if parameters["WorkerImage"]:
        hour = (
            VCPU_HOUR_USD * int(parameters["WorkerCpu"]) / 1024
            + MEMORY_GB_HOUR_USD * int(parameters["WorkerMemoryMb"]) / 1024
            + DISK_GB_HOUR_USD * DISK_GB
        )
        costs.append(Cost("worker, day and night", (hour * HOURS * int(parameters["WorkerCount"])).quantize(CENT)))
    return costs


def work_hour(parameters: Mapping[str, str]) -> Decimal:
    """US dollars of an hour in which the workgroup works at its base capacity; AWS bills by the second, at least 60."""
    return (RPU_HOUR_USD * int(parameters["BaseCapacityRpu"])).quantize(CENT)


def limit_usd(parameters: Mapping[str, str]) -> Decimal:
    """US dollars of a month's computing at which the usage limit is reached."""
    return (RPU_HOUR_USD * int(parameters["UsageLimitRpuHours"])).quantize(CENT)


def describe_costs(parameters: Mapping[str, str]) -> str:
    """The floor and what comes on top, for a person."""
    costs = monthly_floor(parameters)
    floor = sum((cost.usd for cost in costs), Decimal(0))
    limit, ends = f"{parameters['UsageLimitRpuHours']} RPU-hours", parameters["UsageLimitAction"] == "deactivate"
    most = f"of that at most: at {limit} it is refused" if ends else f"of that at {limit}: told, not refused"
    lines = [f"Each month at least ${floor:,.2f} (estimate by list prices of us-east-1):"]
    lines += [f"  {cost.usd:>10,.2f}  {cost.what}" for cost in costs]
    lines += [
        "On top, by use:",
        f"  {work_hour(parameters):>10,.2f}  each hour of work at {parameters['BaseCapacityRpu']} RPU",
        f"  {limit_usd(parameters):>10,.2f}  {most}",
        f"  {STORAGE_GB_USD:>10}  each GB in the warehouse, and about as much in the bucket",
        "Your NAT gateway or VPC endpoints are not part of this stack.",
    ]
    return "\n".join(lines)
