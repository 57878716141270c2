"""The gateway described for machines (OpenAPI 3.1) and, from the same description, for people: a page that needs nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from gateway.form import PetitionForm

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TEXTS = {
    202: "已存妥；签名的技术回执。重复发送得到同一份回执", 200: "签名的答复", 400: "参数、JSON 或消息编号有误", 401: "没有签名、签名过期或不符，或不是本局登记的单位",
    404: "无此消息或转送件，或与你无关（两者不作区分）", 405: "方法有误", 408: "发送过慢", 413: "超过长度上限", 415: "媒体类型有误",
    422: "签名有效，但不是可收的消息：格式、收件单位或发件单位有误，或同一编号换了内容", 500: "网关出错；用同一编号再发", 503: "暂不可用；按 Retry-After 用同一编号再发",
}


def describe() -> dict[str, Any]:
    """The OpenAPI document."""
    form = PetitionForm.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = form.pop("$defs", {})
    return {
        "openapi": "3.1.0",
        "info": {"title": "通路 Tonglu 网关", "version": "1", "description": "各单位的回告与对账，本局业务系统的登记与查询。报文格式、签名和示例见 docs/wire.md，各状态码见 docs/gateway.md。"},
        "paths": _paths(),
        "components": {
            "schemas": {"PetitionForm": form, **parts, "Problem": _problem_schema(), "Receipt": _receipt_schema()},
            "securitySchemes": {
                "webhookSignature": {"type": "apiKey", "in": "header", "name": "webhook-signature",
                                     "description": "Standard Webhooks：webhook-id、webhook-timestamp、webhook-signature；GET 请求签的是“GET 路径?查询”"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "本局业务系统的令牌"},
            },
        },
    }


def _paths() -> dict[str, Any]:
    body = _in_path("body", "单位代码，例如 court-990100")
    days = [_in_query("from", "起始签发日（北京时间），YYYY-MM-DD"), _in_query("to", "截止签发日，含当日")]
    return {
        "/hooks/{body}": {"post": _operation(
            "单位回告：一条签名的 CloudEvents 消息", [body], (202, 400, 401, 404, 408, 413, 415, 422, 500, 503), "webhookSignature",
            {"application/cloudevents+json": {"schema": {"type": "object", "description": "见 docs/wire.md"}}}, "Receipt")},
        "/hooks/{body}/messages/{message_id}": {"get": _operation(
            "按编号查询回执", [body, _in_path("message_id", "消息编号")], (200, 401, 404, 503), "webhookSignature", None, "Receipt")},
        "/hooks/{body}/handoffs/{handoff_id}/messages": {"get": _operation(
            "补取本局发出的消息", [body, _in_path("handoff_id", "转送件编号"), _in_query("after", "从这个顺序号之后开始，默认 0", False)],
            (200, 400, 401, 404, 503), "webhookSignature")},
        "/hooks/{body}/ledger": {"get": _operation(
            "对账：按签发日分页列出", [body, *days, _in_query("limit", "每页件数，1 至 1000", False), _in_query("cursor", "上一页的 next_cursor", False)],
            (200, 400, 401, 503), "webhookSignature")},
        "/hooks/{body}/ledger/digests": {"get": _operation("对账：每日摘要", [body, *days], (200, 400, 401, 503), "webhookSignature")},
        "/petitions": {"post": {
            "summary": "业务系统登记一件信访事项；同一 origin_ref 再次提交得到同一编号", "security": [{"bearer": []}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PetitionForm"}}}},
            "responses": {"201": {"description": "已登记；petition_no 是编号"}, "200": {"description": "以前登记过；编号不变"}, **_problems(
                {400: "不是合格的 JSON", 401: "令牌无效", 408: "发送过慢", 413: "超过长度上限", 415: "媒体类型有误", 422: "填报有误，errors 逐项说明；或此 origin_ref 已用于另一件（key-reused）", 500: "网关出错；用同一 origin_ref 再提交", 503: "暂不可用；稍后再提交"})}}},
        "/petitions/{petition_no}": {"get": {
            "summary": "查询一件信访事项：状态、由谁办、下一时限、各次转送、流转记录；不含个人信息", "security": [{"bearer": []}],
            "parameters": [_in_path("petition_no", "XF 加二十位数字")],
            "responses": {"200": {"description": "现况"}, **_problems({401: "令牌无效", 404: "无此编号", 503: "暂不可用"})}}},
        "/healthz": {"get": {"summary": "是否正常", "responses": {"200": {"description": "正常"}, "503": {"description": "数据库不可用或版本不符"}}}},
    }


def _operation(
    summary: str, parameters: list[dict[str, Any]], statuses: tuple[int, ...], security: str, content: dict[str, Any] | None = None, schema: str = "",
) -> dict[str, Any]:
    good = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}}
    told: dict[str, Any] = {"summary": summary, "security": [{security: []}], "parameters": parameters, "responses": {
        str(status): {"description": _TEXTS[status], "content": good} for status in statuses if status < 300} | _problems({s: _TEXTS[s] for s in statuses if s >= 400})}
    if content is not None:
        told["requestBody"] = {"required": True, "content": content}
    return told


def _problems(texts: dict[int, str]) -> dict[str, Any]:
    return {str(status): {"description": text, "content": _PROBLEM} for status, text in texts.items()}


def _in_path(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _in_query(name: str, text: str, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": text, "schema": {"type": "string"}}


def _problem_schema() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "instance")}
    return {"type": "object", "description": "RFC 9457", "required": ["type", "title", "status", "origin", "retry"], "properties": {
        **texts, "status": {"type": "integer"}, "origin": {"enum": ["sender", "platform", "receiver"]}, "retry": {"enum": ["never", "same-key", "after"]}}}


def _receipt_schema() -> dict[str, Any]:
    names = ("receipt_id", "message_id", "received_at", "body_digest")
    return {"type": "object", "required": [*names, "status"], "properties": {
        **{name: {"type": "string"} for name in names}, "status": {"enum": ["stored", "duplicate", "held"]}}}


def page() -> str:
    """The same as a page to read; no script, no font, no picture, so that it works where there is no internet."""
    document = describe()
    rows = []
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            answers = "".join(f"<li><code>{status}</code> {escape(said['description'])}</li>" for status, said in told["responses"].items())
            asked = "".join(f"<li><code>{escape(p['name'])}</code>（{'路径' if p['in'] == 'path' else '查询'}{'' if p['required'] else '，可省'}）{escape(p['description'])}</li>"
                            for p in told.get("parameters", []))
            rows.append(f"<section><h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(told['summary'])}</p><ul>{asked}</ul><h3>答复</h3><ul>{answers}</ul></section>")
    style = "body{font:16px/1.6 sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}section{border-top:1px solid #ccc}h2{font-size:1.1rem}h3{font-size:1rem}"
    return (f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>通路网关</title><style>{style}</style></head><body><h1>通路网关</h1>'
            f'<p>{escape(document["info"]["description"])}机器可读的说明：<a href="/openapi.json">/openapi.json</a></p>{"".join(rows)}</body></html>')
