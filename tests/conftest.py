import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program  # noqa: E402

REFERENCE_DATA = Path(os.environ.get("MARTLET_TEST_DATA", program.ROOT.parent / "shared" / "data"))
MEASURED = []
# MLflow's clients have environments of their own: mlflow/run starts pytest in each.
collect_ignore = ["mlflow"]


def pytest_configure(config):
    if not os.access(program.PROGRAM, os.X_OK):
        pytest.exit(f"there is no program at {program.PROGRAM}: `make build` makes it, or set MARTLET", returncode=2)


@pytest.fixture(scope="session")
def reference_data():
    """The folder of public data sets, each with its reference.json."""
    if not (REFERENCE_DATA / "adult" / "reference.json").exists():
        pytest.skip(f"the public data sets are not at {REFERENCE_DATA}; set MARTLET_TEST_DATA to their folder")
    return REFERENCE_DATA


@pytest.fixture
def measured():
    """measured("version: 4.1 ms"): a figure for the summary; figures are shown, never asserted as absolute times."""
    return MEASURED.append


def pytest_terminal_summary(terminalreporter):
    for figure in MEASURED:
        terminalreporter.write_line(f"measured: {figure}")
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"SKIPPED LOUDLY: {report.nodeid}: {reason.removeprefix('Skipped: ')}")
