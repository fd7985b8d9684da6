"""What is done around the pipeline: its environment, deployments, documentation and checks."""
