"""Benchmarks: what the hedger costs over the bare libraries doing the same work, as ratios within one run."""
