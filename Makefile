# make demo | make test | make up      See README.md. Everything lives in .venv; nothing else needs to be installed or running.
# All paths are relative: make cannot name a target in a folder whose path has a space.

SHELL := /bin/sh
PYTHON_IN_VENV := .venv/bin/python
# More arguments for the command, such as: make test ARGS="-k door"
ARGS ?=

.PHONY: help setup demo up test lint docs bench chaos lock

help:
	@echo 'make demo    时间压缩的演示：信访事项从信访部门走到各机关并办结，最后列表说明每件在哪里'
	@echo 'make up      启动全部服务（PostgreSQL、Prefect、网关、工作进程），Ctrl-C 停止'
	@echo 'make test    全部测试          make lint    代码检查、类型、导入规则'
	@echo 'make docs    依 config/ 重新生成 docs/generated（路线图、期限表、去向）'
	@echo 'make bench   性能测量          make lock    重新生成 requirements.lock'
	@echo 'make chaos   破坏性试验：随机强行终止、断网、写满磁盘，最后核对双方账目（约三分钟）'

setup:
	@sh .ci/install

demo: setup
	@.venv/bin/tonglu demo $(ARGS)

up: setup
	@.venv/bin/tonglu up $(ARGS)

test: setup
	$(PYTHON_IN_VENV) -m pytest $(ARGS)

lint: setup
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m mypy .
	.venv/bin/lint-imports

docs: setup
	.venv/bin/tonglu docs $(ARGS)

bench: setup
	$(PYTHON_IN_VENV) -m benchmarks $(ARGS)

chaos: setup
	@.venv/bin/tonglu chaos --seed 1 --handoffs 400 --minutes 1 --kills 20 --days 3 $(ARGS)

lock: setup
	sh .ci/lock $(ARGS)
