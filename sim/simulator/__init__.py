"""The driver with a clock: delays, clocks, places, links and what may go wrong with them. It knows no protocol."""
