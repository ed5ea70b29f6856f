"""The Backstage catalog API at `/api/catalog`, wire-compatible, as one bare ASGI callable.

router        the table of operations, and the callable that finds and runs one
call          one request and its answer, as operations see them
checks        parameters and bodies against their shapes, in the words of Backstage's validator
refusals      errors in Backstage's shape
operations    every operation with its parameters: what the router offers and OpenAPI describes

An operation is a function from a `Call` to an `Answer`. It raises the errors of `counterpoint.errors`.
"""
