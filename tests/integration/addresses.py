"""A ViaCEP of the tests' own: a few addresses, made up where it does not matter, and a switch to go down."""

from __future__ import annotations

import http.server
import json
import threading
from types import TracebackType

#: CEP → street, neighbourhood, city. Empty street and neighbourhood: the one CEP of a small town.
KNOWN = {
    "58037120": ("Rua das Hortênsias", "Jardim Oceania", "João Pessoa"),
    "58039100": ("Avenida Monteiro da Franca", "Tambaú", "João Pessoa"),
    "58055200": ("Rua Projetada", "Mangabeira", "João Pessoa"),
    "58072100": ("Rua das Acácias", "Cristo Redentor", "João Pessoa"),
    "58322000": ("", "", "Conde"),
    "58290000": ("", "", "Rio Tinto"),
}


class AddressService:
    """Answers as ViaCEP does while the block lasts; with `down` it answers 503 to everything."""

    def __init__(self) -> None:
        self.down = False
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if service.down:
                    self.send_error(503)
                    return
                content = json.dumps(service.answer(self.path.strip("/").split("/")[1])).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keeps the tests' output clean."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, cep: str) -> dict[str, str]:
        if cep not in KNOWN:
            return {"erro": "true"}
        street, neighbourhood, city = KNOWN[cep]
        found = {"cep": f"{cep[:5]}-{cep[5:]}", "logradouro": street, "bairro": neighbourhood}
        return {**found, "localidade": city, "uf": "PB"}

    def __enter__(self) -> AddressService:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
