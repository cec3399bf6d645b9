"""The parts of the position validator: compare the three sides, name what differs and why, mend what may be mended."""
