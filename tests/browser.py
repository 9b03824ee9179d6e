"""Chromium without a screen, driven by playwright-core: pages are opened offline and looked at from inside."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from program import ROOT

CACHE = Path(os.environ.get("MARTLET_DEPS_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "martlet" / "deps")


def version_of(package):
    for line in (ROOT / "deps" / "pins.txt").read_text().splitlines():
        if line.split()[:1] == [package]:
            return line.split()[1]
    raise AssertionError(f"deps/pins.txt doesn't name {package}")


def missing():
    """What a browser test lacks on this machine; "" when nothing."""
    playwright = CACHE / f"playwright-{version_of('playwright')}" / "package"
    for there, what in [(shutil.which("node"), "node"), (shutil.which("chromium"), "chromium"), (playwright.exists(), str(playwright))]:
        if not there:
            return f"{what} is missing; `deps/setup` installs it"
    return ""


def look(folder, *pages):
    """Opens each page: {file, script, scheme, width, picture, pdf}. Gives what was seen of each."""
    if missing():
        pytest.skip(missing())
    job = Path(folder) / "browser-job.json"
    job.write_text(json.dumps({"pages": [{**page, "file": str(page["file"])} for page in pages]}))
    playwright = CACHE / f"playwright-{version_of('playwright')}" / "package"
    done = subprocess.run(["node", str(ROOT / "tests" / "browser.js"), str(playwright), shutil.which("chromium"), str(job)],
                          capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["pages"]


def check(seen, plots=None):
    """What holds for every report that was opened with script."""
    assert seen["complaints"] == [], seen["complaints"]
    assert seen["requests"] == []
    assert seen["dialogs"] == [] and not seen["hacked"]
    assert seen["images"] == 0
    assert not seen["evalWorks"], "the page's policy must forbid eval"
    assert seen["overflow"] <= 0, "the page is wider than the window"
    assert seen["shift"] < 0.01, f"the layout shifts by {seen['shift']} while plots are drawn"
    assert seen["plotsDrawn"] == seen["hasPlots"]
    for plot in seen["plots"]:
        assert plot["drawn"] and plot["marks"] > 5, plot
        assert plot["svgHeight"] <= plot["height"] + 1 and plot["svgWidth"] <= plot["width"] + 1, plot
        assert plot["rows"] > 0, f"{plot['title']} has no table"
    if plots is not None:
        assert len(seen["plots"]) >= plots
