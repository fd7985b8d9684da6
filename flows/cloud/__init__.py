"""What lies in AWS, made by CloudFormation: changes shown and applied, what they cost, and what no template can say."""
