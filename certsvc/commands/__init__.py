"""Commands of the command line, by what they are about. Each reads arguments, calls a use case and prints."""
