"""What commands say about keeping and erasing."""
