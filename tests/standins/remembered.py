"""What boto3 and moto work out again for each client and each call, worked out once; and moto's S3 without a race.

A test of a whole stack makes hundreds of calls and dozens of clients. These answers depend on nothing but what
is asked, so that a test sees the same with and without them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from botocore.hooks import EventAliaser
from botocore.loaders import Loader, create_loader
from cryptography.hazmat.primitives.asymmetric import rsa
from moto import mock_aws
from moto.core.base_backend import BaseBackend
from moto.ec2.models.amis import AmiBackend
from moto.s3.utils import _VersionedKeyStore

_NAMES: dict[str, str] = {}
_HANDLERS: dict[type[BaseBackend], dict[str, Any]] = {}
_URLS = vars(BaseBackend)["urls"].fget


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Let boto3 and moto remember; to be entered after what adds methods to moto's classes."""
    import moto.core.responses

    methods = vars(moto.core.responses)["method_names_from_class"]
    patches = (
        mock.patch("botocore.session.create_loader", loader),
        mock.patch.object(EventAliaser, "_alias_event_name", _aliased(vars(EventAliaser)["_alias_event_name"])),
        mock.patch.object(moto.core.responses, "method_names_from_class", functools.cache(methods)),
        mock.patch.object(BaseBackend, "urls", property(_urls)),
        mock.patch.object(_VersionedKeyStore, "iterlists", _lists),
        mock.patch.object(rsa, "generate_private_key", functools.cache(rsa.generate_private_key)),
    )
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


@contextlib.contextmanager
def without_images() -> Iterator[None]:
    """Keep moto from reading its list of machine images, which takes longer than most tests and is never freed.

    To be entered before moto is: it reads the list again when it forgets everything else.
    """
    with mock.patch.object(AmiBackend, "_load_amis", return_value=None):
        yield


@contextlib.contextmanager
def mocked_aws() -> Iterator[None]:
    """Mock AWS as moto does, with all of the above."""
    with without_images(), mock_aws(), remembered():
        yield


@functools.cache
def loader(paths: str | None = None) -> Loader:
    """Return what reads the services' models: each once, not once a session."""
    folders = _Once(create_loader(paths).search_paths)
    return Loader(extra_search_paths=folders, include_default_search_paths=False)


class _Once(list[str]):
    """Folders that are searched: each session of boto3 adds its own again."""

    def append(self, path: str) -> None:
        """Add a folder that is not there yet."""
        if path not in self:
            super().append(path)


def _lists(keys: _VersionedKeyStore) -> Iterator[tuple[str, list[Any]]]:
    """Yield the objects of a bucket as they are now; moto looks each up again and may find none any more."""
    yield from dict.items(keys.copy())


def _urls(backend: BaseBackend) -> dict[str, Any]:
    """Keep who answers at which address: that stands in each service's module."""
    kind = type(backend)
    if kind not in _HANDLERS:
        _HANDLERS[kind] = _URLS(backend)
    return _HANDLERS[kind]


def _aliased(original: Callable[[EventAliaser, str], str]) -> Callable[[EventAliaser, str], str]:
    """Keep the new name of an event for all clients: the table of old names is botocore's, and the same for all."""

    def alias(aliaser: EventAliaser, name: str) -> str:
        if name not in _NAMES:
            _NAMES[name] = original(aliaser, name)
        return _NAMES[name]

    return alias
