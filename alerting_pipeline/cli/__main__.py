"""`python -m alerting_pipeline.cli`: the same as `alerting`."""

from alerting_pipeline.cli import main

main()
