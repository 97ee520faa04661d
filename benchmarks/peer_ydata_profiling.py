"""What a user of ydata-profiling writes: a table to a report, minimal mode. Prints the seconds of each part as JSON."""

import json
import sys
import time
import warnings


def main(table: str, page: str) -> None:
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    import pandas as pd
    from ydata_profiling import ProfileReport

    imported = time.perf_counter()
    rows = pd.read_csv(table, low_memory=False)
    read = time.perf_counter()
    ProfileReport(rows, minimal=True, progress_bar=False).to_file(page, silent=True)
    end = time.perf_counter()
    print(json.dumps({"import": imported - start, "read": read - imported, "report": end - read}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
