"""Messages that we wrote ourselves, each for one reason: the README says which, ``cases`` says what must be read of each."""
