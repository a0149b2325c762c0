"""What a `Project` holds and stands on. Others reach it through the project."""
