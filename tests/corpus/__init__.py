"""Messages that we wrote ourselves, each for one reason (README); ``cases`` says what must be read of each."""
