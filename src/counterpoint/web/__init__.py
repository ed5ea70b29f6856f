"""The design system: layout, components, charts and styles that all pages share.

`render` makes a page of a room's template, `PageContext` is what the page knows of its request,
`charts` draws, `urls` knows where things live. DESIGN.md says when to use what.
"""

from counterpoint.web.render import STATIC, PageContext, render

__all__ = ["STATIC", "PageContext", "render"]
