"""Which planted bugs, and which bugs of older SDK versions, campaigns of random faults find, and how soon."""
