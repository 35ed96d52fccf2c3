"""What the experiments share: their command line and timing, and the comparison with PyTorch."""
