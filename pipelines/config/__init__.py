"""What a user sets: its schema, the shipped values, the user's own file over them, and where workspaces are."""
