"""The app as it lies on disk: no network, no SDK."""
