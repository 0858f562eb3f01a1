"""The segmenter, a small U-Net: its spec (without torch), the network, and prediction for images of any size."""
