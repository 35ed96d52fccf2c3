"""What `scaling.py` measures and adds up, a file for each kind of machine."""
