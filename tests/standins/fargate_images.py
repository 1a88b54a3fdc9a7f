"""Images in the stack's own repositories, without pushing any.

AWS: DescribeImages fails with ImageNotFoundException for what has not been pushed. moto: the same. Simulation: what is
asked for by tag or digest is there, with its repository, unless the test says that nobody has pushed it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any
from unittest import mock

from moto.ecr.exceptions import ImageNotFoundException, RepositoryNotFoundException
from moto.ecr.models import ECRBackend


@contextlib.contextmanager
def pushed_images(unpushed: Collection[str]) -> Iterator[None]:
    """Let every image be there but those named: ``repository:tag``.

    Args:
        unpushed: May change while the context lasts.
    """
    original = ECRBackend.describe_images

    def describe_images(
        backend: ECRBackend, repository_name: str, registry_id: str | None = None, image_ids: Any = None
    ) -> Any:
        for image in image_ids or ():
            if f"{repository_name}:{image.get('imageTag')}" in unpushed:
                raise ImageNotFoundException(str(image), repository_name, str(registry_id or backend.account_id))
        try:
            return original(backend, repository_name, registry_id, image_ids)
        except (ImageNotFoundException, RepositoryNotFoundException):
            return []

    with mock.patch.object(ECRBackend, "describe_images", describe_images):
        yield
