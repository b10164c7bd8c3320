"""Where real recordings come in: could this protocol have produced them, and how long do things take there?"""
