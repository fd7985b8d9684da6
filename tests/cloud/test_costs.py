"""What a month costs at least, by arithmetic that is done here another way."""

from __future__ import annotations

from decimal import Decimal

from flows.cloud.costs import describe_costs, limit_usd, monthly_floor, work_hour
from flows.cloud.template import complete_parameters

NETWORK = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2,subnet-3"}


def test_floor_without_a_worker_is_the_secret_alone() -> None:
    costs = monthly_floor(complete_parameters(NETWORK, {}))
    assert sum(cost.usd for cost in costs) == Decimal("0.40")


def test_floor_with_a_worker_grows_with_its_size_and_ends_with_its_count() -> None:
    worker = NETWORK | {"WorkerImage": "repository:1", "PrefectApiUrl": "https://prefect"}
    floors = {
        key: sum(cost.usd for cost in monthly_floor(complete_parameters(worker | given, {})))
        for key, given in (
            ("one", {}),
            ("big", {"WorkerCpu": "2048", "WorkerMemoryMb": "8192"}),
            ("none", {"WorkerCount": "0"}),
        )
    }
    # 29.5504 a vCPU, 3.24485 a GB, 1.6206 for 20 GB of disk, each for 730 hours
    assert floors == {"one": Decimal("44.55"), "big": Decimal("87.08"), "none": Decimal("0.40")}


def test_work_and_limit_are_priced_by_rpu_hours() -> None:
    parameters = complete_parameters(NETWORK | {"BaseCapacityRpu": "16", "UsageLimitRpuHours": "1000"}, {})
    assert (work_hour(parameters), limit_usd(parameters)) == (Decimal("6.00"), Decimal("375.00"))


def test_costs_say_that_they_are_an_estimate_and_what_the_limit_does() -> None:
    told = describe_costs(complete_parameters(NETWORK, {}))
    assert "at least $0.40 (estimate by list prices of us-east-1)" in told
    assert "93.75  of that at most: at 250 RPU-hours it is refused" in told
    only_told = describe_costs(complete_parameters(NETWORK | {"UsageLimitAction": "log"}, {}))
    assert "93.75  of that at 250 RPU-hours: told, not refused" in only_told
    assert "at most" not in only_told
