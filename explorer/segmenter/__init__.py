"""The small U-Net: its spec (no torch), the network, and prediction of any image size."""
