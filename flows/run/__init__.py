"""What every flow needs around it: settings, blocks, target, run summary, command line, artifacts."""
