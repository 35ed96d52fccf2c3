"""What `spoken_digits.py` measures of sound and of names, a file for each kind of question."""
