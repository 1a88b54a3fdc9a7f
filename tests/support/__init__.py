"""What several tests share: real servers, and the scripts behind the Makefile."""
