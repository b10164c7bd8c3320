"""What is kept of a run: the tape it can be played again from."""
