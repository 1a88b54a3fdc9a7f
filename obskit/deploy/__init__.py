"""The ECS Fargate stack by boto3: spec, observe, plan, apply, release, destroy. AWS itself is the state."""
