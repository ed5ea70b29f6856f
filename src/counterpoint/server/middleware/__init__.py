"""Plain ASGI classes around the application, outermost first as `app` nests them."""
