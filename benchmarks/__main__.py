"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import evaluation, ingest

if __name__ == "__main__":
    ingest.main()
    evaluation.main()
