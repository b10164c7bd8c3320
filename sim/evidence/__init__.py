"""Where real recordings come in: cases of a real cluster, and whether this protocol could have produced them."""
