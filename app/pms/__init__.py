"""Guest and property data: the mirror of the PMS, access to a stay, and what is gated.

Doors: `stay` (who, where, when, with access decided), `sync` (re-fetch and apply), `webhook`,
`hostaway` (the client), `access` and `gated` (pure). A client of another PMS is a new file beside
`hostaway`.
"""
