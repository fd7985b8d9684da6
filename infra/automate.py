"""The automations of infra/automations, on the server that Prefect's settings name; made anew where one is there.

    .venv/bin/python infra/automate.py slack-webhook/ops ingest/hourly-ingest-prod

The first is the notification block that is told, as `prefect block ls` shows it; the second the deployment that takes
up new files. Their ids, which differ on each server, are filled into the files, and `prefect automation create
--from-file` gets those.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

PROJECT = Path(__file__).resolve().parent.parent
AUTOMATIONS = PROJECT / "infra" / "automations"
PREFECT = [sys.executable, "-m", "prefect"]


def main(arguments: list[str]) -> int:
    """Apply them all; 2 where block or deployment are not there, else the exit code of Prefect."""
    if len(arguments) != 2:  # noqa: PLR2004
        print((__doc__ or "").partition("\n\nThe first")[0], file=sys.stderr)
        return 2
    with get_client(sync_client=True) as client:
        try:
            ids = find_ids(client, *arguments)
        except ObjectNotFound:
            print(f"{' or '.join(arguments)} is not on this server. Make the block, and deploy first.", file=sys.stderr)
            return 2
        files = sorted(AUTOMATIONS.glob("*.yaml"))
        names = [yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in files]
        ours = {"automations": {"name": {"any_": names}}}  # of all a server tells 200 at most
        for known in client.request("POST", "/automations/filter", json=ours).json():
            client.request("DELETE", f"/automations/{known['id']}")
    with TemporaryDirectory() as folder:
        filled = Path(folder) / "automations.yaml"
        filled.write_text(yaml.safe_dump([fill(path, ids) for path in files]), encoding="utf-8")
        create = ["automation", "create", "--from-file", str(filled)]
        return subprocess.run([*PREFECT, *create], cwd=PROJECT, check=False).returncode


def find_ids(client: SyncPrefectClient, block: str, deployment: str) -> dict[str, str]:
    """The ids that the files name as ${NOTIFY} and ${DEPLOYMENT}."""
    kind, _, name = block.partition("/")
    document = client.request("GET", f"/block_types/slug/{kind}/block_documents/name/{name}").json()
    return {"NOTIFY": document["id"], "DEPLOYMENT": str(client.read_deployment_by_name(deployment).id)}


def fill(path: Path, ids: dict[str, str]) -> dict[str, object]:
    """An automation with its ids."""
    filled: dict[str, object] = yaml.safe_load(Template(path.read_text(encoding="utf-8")).substitute(ids))
    return filled


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
