"""What the services of a stack run, one file a program: containers, permissions and configurations."""
