"""Measure every row and write the report.

make bench                                  (or: python -m benchmarks.bench --help)
python -m benchmarks.bench --only Decoding --turns 9
"""

import argparse
import sys
from pathlib import Path

from benchmarks.bench import growth, report
from benchmarks.bench.measure import QUIET_SHARE, busy_share, compare, machine, moment
from benchmarks.bench.rows import ROWS

RESULTS = Path(__file__).resolve().parents[1] / "results"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(ROWS), help="only this group (repeat for more)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each row")
    parser.add_argument(
        "--quick", action="store_true", help="least sizes, one turn: checks the benchmark, says nothing"
    )
    parser.add_argument("--no-growth", action="store_true", help="leave the growth table out")
    parser.add_argument(
        "-o", "--output", type=Path, help="folder of the report (default: benchmarks/results/bench-DATE)"
    )
    arguments = parser.parse_args()
    facts, before = machine(), moment()
    groups = {}
    for name in arguments.only or ROWS:
        groups[name] = []
        for row in ROWS[name]:
            result = compare(row, turns=1 if arguments.quick else arguments.turns, quick=arguments.quick)
            groups[name].append(result)
            print(" | ".join(report.cells(result)), file=sys.stderr)
    sizes = (10, 100) if arguments.quick else growth.SIZES
    grown = [] if arguments.no_growth else growth.to_json(growth.measure(sizes))
    busy = busy_share(before)
    if busy > QUIET_SHARE:
        print(f"not quiet: others took {busy:.0%} of the processors; ratios say little", file=sys.stderr)
    stamp = facts["started"].replace("-", "").replace(":", "").replace("+0000", "Z")
    folder = arguments.output or RESULTS / f"bench-{stamp}"
    report.write(folder, groups, growth=grown, machine=facts, busy=busy)
    print(f"written: {folder}/bench.md, bench.html, bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
