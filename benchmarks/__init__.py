"""Measurements: how fast the service is, beside the bare pipe in the same run. Not tests."""
