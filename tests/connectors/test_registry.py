"""Building connectors from configuration: what is wrong is named, what is secret is not."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from config.bodies import HTTP_OPTIONS, ConnectorKind
from connectors.base import Abilities, Connector, Keys
from connectors.http.options import HttpOptions
from connectors.registry import KINDS, BadConnector, build
from tests.connectors.partner import BUREAU, KEYS, NOW


def make(options: dict[str, Any], kind: str = "http", keys: Keys = KEYS) -> Connector:
    return build(kind, options, keys, lambda: NOW, BUREAU)


def test_the_configuration_knows_every_kind_and_option() -> None:
    assert set(get_args(ConnectorKind)) == {"desk", *KINDS}
    assert {"base_url" if name == "url" else name for name in HTTP_OPTIONS} == set(HttpOptions.model_fields)


def test_an_http_connector() -> None:
    connector = make({"base_url": "https://court.example/xf/"})
    assert connector.abilities == Abilities(True, True, True, True)
    assert not make({"base_url": "https://court.example", "signed_receipts": False}).abilities.signed_receipts
    connector.close()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "base_url"),
        ({"base_url": "court.example"}, "whole address"),
        ({"base_url": "ftp://court.example"}, "whole address"),
        ({"base_url": "https://u:pw-secret@court.example"}, "user or password"),
        ({"base_url": "https://court.example?x=1"}, "query"),
        ({"base_url": "https://court.example", "read_timeout": 0}, "read_timeout"),
        ({"base_url": "https://court.example", "retries": 3}, "retries"),
        ({"base_url": "https://court.example", "ca_file": "no/such.pem"}, "ca_file names no file"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(BadConnector, match=word) as caught:
        make(options)
    assert "pw-secret" not in str(caught.value)


def test_a_wrong_kind_or_key_is_named() -> None:
    with pytest.raises(BadConnector, match="known: http"):
        make({}, kind="pigeon")
    with pytest.raises(BadConnector) as caught:
        make({"base_url": "https://court.example"}, keys=Keys(("whsec_c2hvcnQ=",), ()))
    assert "24 to 64" in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)
    assert "whsec" not in repr(KEYS)
