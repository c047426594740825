"""The voice note, photo, sticker, document and video a customer sends when none is given: made in code."""

from __future__ import annotations

import functools
import io
import struct

from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.pagesizes import A5  # type: ignore[import-untyped]
from reportlab.pdfgen import canvas  # type: ignore[import-untyped]

OPUS_SILENCE = b"\xf8\xff\xfe"  # one stereo CELT frame of 20 ms that decodes to silence (RFC 6716)
FRAMES_PER_SECOND = 50
SAMPLES_PER_FRAME = 960


@functools.cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


def _ogg_page(number: int, flags: int, position: int, packets: list[bytes]) -> bytes:
    """One Ogg page (RFC 3533); every packet must be shorter than 255 bytes."""
    lacing = bytes(len(packet) for packet in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, 0x7E0, number, 0)
    page = bytearray(head + bytes([len(packets)]) + lacing + b"".join(packets))
    crc = 0
    table = _crc_table()
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ table[(crc >> 24) ^ byte]
    page[22:26] = struct.pack("<I", crc)
    return bytes(page)


@functools.lru_cache(maxsize=32)
def voice_note(seconds: int = 4) -> bytes:
    """Silence of this length as Ogg Opus (RFC 7845): what WhatsApp's voice notes are made of."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, 0, 48000, 0, 0)
    vendor = b"simulator"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    pages = [_ogg_page(0, 2, 0, [head]), _ogg_page(1, 0, 0, [tags])]
    for second in range(seconds):
        last = 4 if second == seconds - 1 else 0
        position = (second + 1) * FRAMES_PER_SECOND * SAMPLES_PER_FRAME
        pages.append(_ogg_page(second + 2, last, position, [OPUS_SILENCE] * FRAMES_PER_SECOND))
    return b"".join(pages)


@functools.cache
def photo() -> bytes:
    """A JPEG of 800x600: a fibre modem on a shelf whose LOS light is red."""
    picture = Image.new("RGB", (800, 600), "#d8cdbb")
    draw = ImageDraw.Draw(picture)
    for row in range(420):
        draw.line([(0, row), (800, row)], fill=(216 - row // 9, 205 - row // 9, 187 - row // 10))
    draw.rectangle([0, 420, 800, 600], fill="#8a5f3c")
    draw.rectangle([0, 420, 800, 432], fill="#a5754c")
    draw.polygon([(150, 440), (650, 440), (690, 470), (110, 470)], fill="#6d4a2d")
    for left in (230, 560):
        draw.rounded_rectangle([left, 120, left + 16, 300], 8, fill="#2b2f36")
    draw.rounded_rectangle([140, 270, 660, 455], 26, fill="#f4f5f7", outline="#c9cdd3", width=3)
    draw.rounded_rectangle([140, 400, 660, 455], 26, fill="#e3e6ea")
    glow = Image.new("RGB", picture.size)
    ImageDraw.Draw(glow).ellipse([368, 315, 432, 379], fill="#ff2a2a")
    glow = glow.filter(ImageFilter.GaussianBlur(18))
    picture = Image.composite(Image.new("RGB", picture.size, "#ff4a3d"), picture, glow.convert("L"))
    draw = ImageDraw.Draw(picture)
    lights = (
        ("POWER", "#35c759"),
        ("PON", "#b9bec6"),
        ("LOS", "#ff1f1f"),
        ("LAN", "#b9bec6"),
        ("WI-FI", "#35c759"),
    )
    for index, (label, colour) in enumerate(lights):
        x = 220 + index * 90
        draw.ellipse([x - 11, 336, x + 11, 358], fill=colour)
        draw.text((x, 378), label, fill="#5b626d", anchor="mm")
    draw.line([(660, 430), (800, 400)], fill="#f2c230", width=7)
    result = io.BytesIO()
    picture.save(result, "JPEG", quality=82)
    return result.getvalue()


@functools.cache
def sticker() -> bytes:
    """A WebP of 512x512 on a clear ground: a round face that smiles."""
    picture = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse([40, 40, 472, 472], fill="white")
    draw.ellipse([60, 60, 452, 452], fill="#ffce3a")
    for left in (165, 295):
        draw.ellipse([left, 180, left + 52, 250], fill="#45320b")
        draw.ellipse([left + 10, 192, left + 26, 212], fill="white")
    draw.pieslice([150, 210, 362, 400], 0, 180, fill="#45320b")
    draw.pieslice([206, 320, 306, 400], 180, 360, fill="#f0605a")
    result = io.BytesIO()
    picture.save(result, "WEBP", quality=80)
    return result.getvalue()


@functools.cache
def document() -> bytes:
    """A PDF of one page that looks like a proof of payment (with an invented payer)."""
    result = io.BytesIO()
    page = canvas.Canvas(result, pagesize=A5, invariant=1)
    width, height = A5
    page.setFillColorRGB(0.05, 0.45, 0.36)
    page.rect(0, height - 90, width, 90, stroke=0, fill=1)
    page.setFillColorRGB(1, 1, 1)
    page.setFont("Helvetica-Bold", 18)
    page.drawString(32, height - 54, "Comprovante de pagamento")
    page.setFillColorRGB(0.15, 0.17, 0.2)
    lines = (
        ("Valor", "R$ 99,90"),
        ("Forma", "Pix"),
        ("Para", "START Conecta"),
        ("Situação", "Pago (exemplo)"),
    )
    for index, (label, value) in enumerate(lines):
        y = height - 140 - index * 52
        page.setFont("Helvetica", 10)
        page.drawString(32, y, label)
        page.setFont("Helvetica-Bold", 14)
        page.drawString(32, y - 19, value)
    page.save()
    return result.getvalue()


@functools.cache
def video() -> bytes:
    """The head of an MP4 without any picture: enough to be a file of that type, nothing to play."""
    kind = b"isom" + struct.pack(">I", 512) + b"isomiso2mp41"
    return struct.pack(">I", 8 + len(kind)) + b"ftyp" + kind + struct.pack(">I", 8) + b"mdat"
