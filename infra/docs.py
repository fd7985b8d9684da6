"""dbt's documentation as one HTML file that needs no server, the drawings, and the picture of the report page.

The drawings of the schemas and of the lineage in data/images are made from the contracts and from the manifest that dbt
has written for its documentation.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.marts.environment import process_environment
from flows.run.settings import PROJECT, load_settings
from infra.drawings import write_drawings
from infra.screenshot import draw_page
from reports.chromium import ChromiumError

IMAGES = PROJECT / "data" / "images"
PICTURE = PROJECT / "docs" / "report.png"


def main() -> int:
    settings = load_settings()
    if not settings.duckdb_path.is_file():
        print("There is no warehouse yet. Make one first: make run", file=sys.stderr)
        return 1
    target = settings.work_dir / "docs"
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", "docs", "generate", "--static"]
    folders = ["--profiles-dir", str(settings.dbt_project_dir), "--target-path", str(target)]
    environment = process_environment(settings.dbt_environment() | {"DBT_LOG_PATH": str(target / "logs")})
    code = subprocess.run([*command, *folders], cwd=settings.dbt_project_dir, env=environment, check=False).returncode
    if code:
        return code
    print(f"dbt documentation: {target / 'static_index.html'}")
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    for drawing in write_drawings(manifest, IMAGES):
        print(f"drawing: {drawing.relative_to(PROJECT)}, and as PNG")
    return draw_picture(settings.reports_dir / "latest" / "index.html", PICTURE, settings.chromium)


def draw_picture(page: Path, picture: Path, chromium: str | None = None) -> int:
    """The exit code: 1 without a picture, of which the message says what to do."""
    if not page.is_file():
        print(f"{page} does not exist, so there is nothing to show. Make a report first: make run", file=sys.stderr)
        return 1
    try:
        draw_page(page, picture, chromium)
    except ChromiumError as error:
        print(f"docs/report.png stays as it is: {error}", file=sys.stderr)
        return 1
    print(f"picture of the report: {picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
