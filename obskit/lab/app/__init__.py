"""A small shop, good enough to begin a service for ECS Fargate from.

It is deployed alone: it imports nothing outside this folder but the packages of ``requirements.txt``.
``python -m obskit.lab.app`` starts it here, ``python -m shop`` in its image.

================== =============================================================================
settings           what the environment says; checked before anything starts
server, __main__   the processes: gunicorn's supervisor, uvicorn in each worker, draining
application        puts one worker's parts together
health             ``/live`` (the process answers) and ``/health`` (it may take requests)
metrics, runtime   ``/metrics``, right with several workers
logs, watch        JSON lines; the request's id, its time, its errors
database, tables   SQLAlchemy's pool, watched; the tables
goods, carts, orders, payments   the business
gateway, cache     calls to the payment service; answers kept for some seconds
faults             real faults on demand, only where ``SHOP_FAULTS=allowed``
================== =============================================================================
"""
