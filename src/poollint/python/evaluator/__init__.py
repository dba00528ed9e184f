"""What expressions are, without running anything. `evaluate` says what the parts do."""
