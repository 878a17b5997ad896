"""Tests of reading and validating routing_rules.yaml."""
