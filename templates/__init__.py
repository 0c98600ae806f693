"""What `init`, `demo` and provisioning write into a user's folder."""
