"""Side by side with well-known libraries: `make bench`. How to add a row: README.md."""
