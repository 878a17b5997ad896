"""Tests of the decision and of the gate."""
