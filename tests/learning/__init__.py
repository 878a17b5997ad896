"""From labelled messages to a model, its promises and its figures."""
