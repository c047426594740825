"""Files that go through the simulator: kept in memory, served by id, the first page of a PDF as a picture."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import logging
import mimetypes
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

logger = logging.getLogger(__name__)

DATA_URI = re.compile(
    r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,]+)*;base64,(?P<data>[\s\S]+)", re.ASCII
)
ENDINGS = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif",
    "audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/webm": "webm", "video/mp4": "mp4", "text/plain": "txt",
}  # fmt: skip
SHOWN_IN_PAGE = ("application/pdf", "image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/")
KEPT = 1000
PREVIEW_WIDTH = 560
_pdfium_lock = threading.Lock()  # pdfium itself is not safe to use from two threads


@dataclass(frozen=True)
class Media:
    """A stored file. ``id`` ends in a file ending, e.g. ``1f0c…9a.pdf``."""

    id: str
    mime: str
    data: bytes

    @property
    def path(self) -> str:
        """Its address on the simulator, without the host."""
        return f"/api/media/{self.id}"

    @property
    def may_open_in_page(self) -> bool:
        """False for types a browser could run (HTML, SVG): those are only offered as a download."""
        return self.mime.startswith(SHOWN_IN_PAGE)


class MediaStore:
    """The newest KEPT files by id; equal files are stored once."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, Media] = OrderedDict()
        self._previews: dict[str, bytes | None] = {}

    def put(self, mime: str, data: bytes) -> Media:
        """Store a file and return it with its id."""
        kind = mime.split(";")[0].strip().lower()
        ending = ENDINGS.get(kind) or (mimetypes.guess_extension(kind) or ".bin").lstrip(".")
        media = Media(f"{hashlib.sha256(kind.encode() + data).hexdigest()[:32]}.{ending}", mime, data)
        self._files[media.id] = media
        self._files.move_to_end(media.id)
        while len(self._files) > KEPT:
            gone, _ = self._files.popitem(last=False)
            self._previews.pop(gone, None)
        return media

    def get(self, media_id: str) -> Media | None:
        """The file, or None when it is unknown or was pushed out by newer ones."""
        return self._files.get(media_id)

    def preview(self, media: Media) -> bytes | None:
        """The first page of a PDF as PNG bytes, or None. Slow (tens of ms): call it in a thread."""
        if media.id not in self._previews:
            self._previews[media.id] = first_page(media.data) if media.mime == "application/pdf" else None
        return self._previews[media.id]


def from_data_uri(text: str) -> tuple[str, bytes]:
    """The type and bytes of ``data:<type>;base64,<data>``; raises ValueError for anything else."""
    match = DATA_URI.fullmatch(text)
    if match is None:
        raise ValueError("not a base64 data URI")
    try:
        data = base64.b64decode(re.sub(r"\s+", "", match["data"]), validate=True)
    except binascii.Error as error:
        raise ValueError("the base64 of the data URI is broken") from error
    if not data:
        raise ValueError("the data URI is empty")
    return match["mime"] or "application/octet-stream", data


def first_page(pdf: bytes) -> bytes | None:
    """Page one as a PNG of PREVIEW_WIDTH pixels; None for an unreadable PDF or without pypdfium2."""
    try:
        import pypdfium2  # type: ignore[import-untyped]
    except ImportError:
        return None
    with _pdfium_lock:
        try:
            document = pypdfium2.PdfDocument(pdf)
            try:
                page = document[0]
                picture = page.render(scale=PREVIEW_WIDTH / page.get_width()).to_pil()
            finally:
                document.close()
        except (pypdfium2.PdfiumError, IndexError, ZeroDivisionError) as error:
            logger.warning("no preview of a PDF: %s", error)
            return None
    result = io.BytesIO()
    picture.save(result, "PNG", optimize=True)
    return result.getvalue()


def page_count(data: bytes) -> int:
    """The number of pages of a PDF; 1 when that cannot be told."""
    try:
        import pypdfium2
    except ImportError:
        return 1
    with _pdfium_lock:
        try:
            document = pypdfium2.PdfDocument(data)
            try:
                return len(document)
            finally:
                document.close()
        except pypdfium2.PdfiumError:
            return 1
