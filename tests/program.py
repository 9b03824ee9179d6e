"""Calls the program under test: MARTLET, by default build/bin/martlet of this checkout."""
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("MARTLET", str(ROOT / "build" / "bin" / "martlet"))

# Exit statuses (DESIGN §5).
SUCCESS, WORK_FAILED, WRONG_CALL, UNREACHABLE, NOT_REQUIRED = 0, 1, 2, 3, 4
CONFLICT, INTERNAL = 6, 70


class Call:
    """What one call of the program gave."""

    def __init__(self, arguments, finished):
        self.arguments = arguments
        self.status = finished.returncode
        self.out = finished.stdout
        self.err = finished.stderr

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except json.JSONDecodeError as error:
            raise AssertionError(f"stdout is not one JSON document ({error})\n{self}") from error

    @property
    def error(self):
        """The error object of a failed --json call."""
        assert "error" in self.json, str(self)
        return self.json["error"]

    def __str__(self):
        line = "martlet " + " ".join(map(str, self.arguments))
        return f"$ {line}\nexit status {self.status}\n-- stdout\n{self.out[:4000]}\n-- stderr\n{self.err[:4000]}"


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}
    return {**kept, "TZ": "UTC", **more}


def martlet(*arguments, cwd=None, expect=SUCCESS, timeout=120, env=None):
    """Runs the program; its exit status must be `expect` (None: any but a crash; a tuple: one of them)."""
    arguments = [str(argument) for argument in arguments]
    finished = subprocess.run([PROGRAM, *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                              env=env or environment(), stdin=subprocess.DEVNULL)
    call = Call(arguments, finished)
    allowed = expect if isinstance(expect, tuple) else (expect,)
    if expect is None:
        assert call.status >= 0 and call.status != INTERNAL, str(call)
    else:
        assert call.status in allowed, f"expected exit status {expect}\n{call}"
    return call
