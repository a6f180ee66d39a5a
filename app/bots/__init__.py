"""The answering mind, for voice and chat alike.

Doors: `answer.Mind.begin` (a question becomes a route and words), `library` (the tenant's bots),
`urgent` (what cannot wait), and the pure languages `sift` (conditions) and `template`.
"""
