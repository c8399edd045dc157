"""What the source repository holds tonight."""
