"""Documentation without a build: Markdown beside the code, rendered when somebody reads it.

source              where an entity's documentation is, and whether it may be read
site, navigation    the pages of one folder, `mkdocs.yml`, and the way through them
conversion          Markdown to HTML, within limits; wild pages in a process of their own
outline             front matter, headings and text of a page, without rendering it
sanitise, links     the HTML that is let through; where its links lead, and which are broken
library             what is kept in memory while the workspace is open
freshness           when pages were changed
search, facts       documentation in the search, and as facts for checks
pages, routes       the doors; techdocs speaks to Backstage's reader
"""
