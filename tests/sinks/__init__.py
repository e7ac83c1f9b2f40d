"""Destinations to test against, each speaking the real protocol on loopback."""
