"""`python -m benchmarks [--only part]`: every benchmark one after the other, or one of them."""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks import backtest, definitions, evaluation, ingest, outbox

PARTS = {
    "ingest": ingest.main,
    "evaluation": evaluation.main,
    "backtest": backtest.main,
    "outbox": outbox.main,
    "definitions": definitions.main,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be repeated")
    chosen = parser.parse_args().only or list(PARTS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its Postgres goes with it
    for part in chosen:
        PARTS[part]()
