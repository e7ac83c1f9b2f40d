"""The sample company: what its systems would deliver, made up, and what alerting should make of it."""
