"""A load into Redshift is killed with SIGKILL where order matters most; the next run makes everything as it must be.

All steps, hundreds of them, are `python -m tests.warehouse.redshift_campaign --every-step`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warehouse.crashes import Core
from tests.warehouse.redshift import standin_environment
from tests.warehouse.redshift_campaign import RedshiftCampaign
from tests.warehouse.redshift_standin import RedshiftStandin

STEPS = (
    "after acquire",
    "after insert deliveries",
    "after append",
    "after check_part",
    "after write_manifest",
    "after copy staged",
    "after insert replaced",
    "after delete raw",
    "before commit",
    "after commit",
    "before release",
)


@pytest.fixture(scope="module")
def campaign(shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedshiftCampaign]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in standin_environment(shared_standin).items():
            environment.setenv(name, value)
        core = Core(kept_ready=1)
        yield RedshiftCampaign(shared_standin, tmp_path_factory.mktemp("crash"), core)
        core.close()


@pytest.mark.parametrize("step", STEPS)
def test_load_killed_at_a_step_next_run_converges(campaign: RedshiftCampaign, step: str) -> None:
    numbers = [number for number, name in enumerate(campaign.steps) if name == step]
    campaign.kill_at(numbers[len(numbers) // 2])
    assert campaign.faults == []
