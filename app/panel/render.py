"""Our own pages: the only user of Mako. Every value is escaped, missing names are errors."""

from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

PANEL_DIR = Path(__file__).parent
STYLESHEET = PANEL_DIR / "static" / "desk.css"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""Of every page: nothing but our stylesheet is loaded, and a link's token travels nowhere."""


class Pages:
    """Renders pages of `app/panel/pages`."""

    def __init__(self) -> None:
        self._lookup: Any = None

    def routes(self) -> list[BaseRoute]:
        """The stylesheet."""
        return [Route("/static/desk.css", self._stylesheet)]

    def text(self, page: str, **values: Any) -> str:
        """A page's HTML; `values` are all it can read."""
        rendered: str = self._loaded().get_template(page).render_unicode(**values)
        return rendered

    def response(self, page: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
        """A page as an answer."""
        return HTMLResponse(
            self.text(page, **values), status_code=status_code, headers=dict(HEADERS)
        )

    def warm(self) -> None:
        """Load the template engine and every page now."""
        for page in sorted((PANEL_DIR / "pages").glob("*.html")):
            self._loaded().get_template(page.name)

    def _loaded(self) -> Any:
        """Mako, loaded with the first page."""
        if self._lookup is None:
            self._lookup = import_module("mako.lookup").TemplateLookup(
                directories=[str(PANEL_DIR / "pages")],
                default_filters=["h"],
                strict_undefined=True,
                filesystem_checks=False,
                input_encoding="utf-8",
            )
        return self._lookup

    async def _stylesheet(self, _: object) -> Response:
        headers = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}
        return FileResponse(STYLESHEET, media_type="text/css", headers=headers)
