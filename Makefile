# Needs python3, make and git. Everything else is fetched into this folder.
SHELL := /bin/bash
UV_VERSION := 0.13.9
UV := .tools/uv/bin/uv
PY := .venv/bin/python
export RASA_TELEMETRY_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help setup run serve train test test-long check check-data test-nlu bench compare-nlu compare-policies conversas audit clean

help: ## mostra este resumo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready ## instala o que falta

run: setup ## Theo + simulador, até Ctrl-C
	@exec $(PY) -m scripts.run

serve: setup ## Theo para um gateway de verdade (ZAPI_* no ambiente)
	@exec $(PY) -m scripts.run --no-simulator

train: setup ## treina o modelo
	@$(PY) -m scripts.run --train-only --force-train

test: setup ## tudo que prova que funciona
	@$(PY) -m scripts.test

test-long: setup ## as falhas e a carga, contra os programas de verdade (uns 20 minutos)
	@$(PY) -m scripts.run --train-only
	@$(PY) -m tests.faults

check: setup ## ruff e mypy
	@$(PY) -m scripts.test --only lint mypy

check-data: setup ## confere os exemplos de treino
	@$(PY) -m scripts.check_data

test-nlu: setup ## mede o entendimento (matriz de confusão e lista de erros)
	@$(PY) -m scripts.run --train-only
	@$(PY) -m tests.nlu.evaluate --out results/nlu

bench: setup ## mede carga, latência, memória e partida, ao lado do Rasa de fábrica
	@$(PY) -m scripts.run --train-only
	@$(PY) -m bench

compare-nlu: setup ## compara formas de entender (a tabela de docs/modelo.md); SLOW=1 inclui as que demoram
	@$(PY) -W ignore -m bench.compare_nlu $(if $(ROWS),--rows $(ROWS)) $(if $(SLOW),--slow)

compare-policies: setup ## compara formas de decidir o próximo passo (a tabela de docs/modelo.md)
	@$(PY) -W ignore -m bench.compare_policies

conversas: setup ## escreve docs/conversas.md com conversas de verdade
	@$(PY) -m scripts.run --train-only
	@$(PY) -m scripts.transcripts

audit: setup ## pergunta se há avisos de segurança sobre o que está no uv.lock
	@$(PY) -m scripts.audit

clean: ## apaga modelo, banco e registros locais
	rm -rf models var results

$(UV):
	@echo "• Buscando o uv $(UV_VERSION)…"
	@rm -rf .tools/uv
	@{ python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } > .tools.log 2>&1 \
	  || { rm -rf .tools/uv; echo "✗ uv could not be installed: $$(tail -n 1 .tools.log) (on Debian: apt-get install python3-venv)." >&2; rm -f .tools.log; exit 1; }
	@rm -f .tools.log

.venv/.ready: $(UV) pyproject.toml uv.lock .python-version
	@$(UV) python find --quiet "$$(cat .python-version)" > /dev/null 2>&1 || $(UV) python install --quiet "$$(cat .python-version)" > /dev/null 2>&1 \
	  || { echo "✗ Python $$(cat .python-version) was not found: install it with 'uv python install $$(cat .python-version)' or 'pyenv install $$(cat .python-version)', and try again." >&2; exit 1; }
	@echo "• Instalando as dependências do uv.lock…"
	@$(UV) sync --quiet --frozen --compile-bytecode
	@touch .venv/.ready
