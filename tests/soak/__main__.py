"""`python -m tests.soak [--only AREA]… [--count N] [--minutes N]`: promises at full count; writes the page.

With --count the figures are printed and the page stays as it is: what stands there was measured at full count.
"""

from __future__ import annotations

import argparse
import sys
import time

import pytest

from tests.conftest import PROJECT
from tests.soak import lanes
from tests.soak.page import write
from tests.soak.plugin import Soak
from tests.soak.promise import AREAS

FOLDER = PROJECT / "tests" / "faults"


def main() -> int:
    given = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    help_of_only = f"may be given several times; one of: {', '.join(AREAS)}"
    given.add_argument("--only", action="append", choices=AREAS, metavar="AREA", help=help_of_only)
    given.add_argument("--count", type=int, help="at most so many times, instead of the full counts")
    given.add_argument("--minutes", type=float, default=30, help="nothing new begins after so many minutes")
    chosen = given.parse_args()
    if not chosen.only:
        return lanes.run(chosen.minutes, chosen.count)
    soak = Soak(areas=tuple(chosen.only), count=chosen.count, budget=chosen.minutes * 60)
    if chosen.count is None:
        soak.keep = write
    options = ["-p", "no:xdist", "-o", "addopts=", "-o", "timeout=900", "--tb=short", "-q", "-s", "--strict-markers"]
    status = pytest.main([*options, "-p", "no:cacheprovider", str(FOLDER)], plugins=[soak])
    print(f"\n{len(soak.results)} promises in {(time.monotonic() - soak.began) / 60:.1f} minutes")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
