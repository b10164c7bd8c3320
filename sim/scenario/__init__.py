"""Where everything meets: scenarios as data, the cluster they describe, and the run that comes of them."""
