"""The operators' pages on the desk's door, and the live feed.

Doors: `links` (signed links of alerts), `cases`, `drafts`, `live`. Who a visitor is stands in
`auth`; `render` alone knows the template engine.
"""
