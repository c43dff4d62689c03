"""The page for the projector: what a class types to come here, and a QR code, for the last row."""

import html
from collections.abc import Sequence

import segno
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gptviz.app import network
from gptviz.app.hosts import LOOPBACK, named

NAME = "invitation"  # of the page in the address
ONLY_HERE = (
    "Only this machine can open gptviz as it was started. To let a class in, end it and start "
    "<code>gptviz --classroom --host 0.0.0.0</code>."
)
NO_NETWORK = "This machine is in no network. Join one, and load this page again."
# A sign of a typewriter's letters is 0.6 as wide as its size.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Come in · gptviz</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>
html {{ background: #ffffff; color: #111111; font-family: sans-serif; }}
body {{ box-sizing: border-box; min-height: 100vh; margin: 0; padding: 2vmin; display: flex;
  flex-direction: column; align-items: center; justify-content: center; gap: 2vmin;
  text-align: center; }}
h1 {{ margin: 0; font-size: max(1.2rem, 4vmin); font-weight: 400; }}
.address {{ font: 700 {size:.2f}vw/1.2 monospace; white-space: nowrap; }}
.others, p {{ margin: 0; font-size: max(1rem, 3vmin); max-width: 90vw; overflow-wrap: anywhere; }}
code {{ white-space: nowrap; }}
svg {{ width: min(64vh, 90vw); height: auto; }}
</style><body>{content}</body></html>"""
WIDEST, LARGEST, SIGN = 92, 9, 0.602  # of the screen's width, in hundredths


class Invitation:
    """Makes the page.

    port: where the server listens, on host; base: the path under which a proxy shows it, or empty.
    """

    def __init__(self, host: str, port: int, base: str = ""):
        self.host, self.port, self.base = host, port, base

    async def answer(self, request: Request) -> HTMLResponse:
        """The page, as whoever asks can hand it on."""
        return HTMLResponse(self.page(self.urls(request)), headers={"Cache-Control": "no-cache"})

    def urls(self, request: Request) -> list[str]:
        """What the class types, the best first; none if nobody else can come."""
        called = request.url
        if named(called.netloc) not in LOOPBACK:  # whoever asks has come as others can
            return [f"{called.scheme}://{called.netloc}{self.base and f'{self.base}/'}"]
        if self.host in LOOPBACK:
            return []
        return network.urls(self.host, self.port, self.base)

    def page(self, urls: Sequence[str]) -> str:
        """The page of these addresses, whole: it asks for nothing else."""
        if not urls:
            words = ONLY_HERE if self.host in LOOPBACK else NO_NETWORK
            return PAGE.format(size=LARGEST, content=f"<h1>gptviz</h1><p>{words}</p>")
        first, *others = map(html.escape, urls)
        size = min(LARGEST, WIDEST / (SIGN * len(urls[0])))
        code = segno.make_qr(urls[0], error="m").svg_inline(
            border=4,
            light="#ffffff",
            dark="#000000",
            omitsize=True,
            title="The address as a QR code",
        )
        content = f"<h1>Open this in your browser</h1><div class=address>{first}</div>{code}"
        if others:
            content += f"<div class=others>or {' or '.join(others)}</div>"
        return PAGE.format(size=size, content=content)
