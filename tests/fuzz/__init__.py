"""Coverage-guided fuzzing of reading and composing; docs/fuzzing.md says how to run it."""
