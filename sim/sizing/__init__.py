"""How many workers and slots are enough: queueing theory for a first guess, simulation for the answer."""
