from __future__ import annotations

import pytest

from local.gateway.routes import RouteTable

TEMPLATES = [
    ("/v1/jobs", "jobs"),
    ("/v1/jobs/{job_id}", "jobs"),
    ("/v1/jobs/{job_id}/{part}", "jobs"),
    ("/v1/jobs/{job_id}/scene", "scenes"),
    ("/v1/{anything}/latest", "latest"),
]


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/v1/jobs", "jobs"),
        ("/v1/jobs/job_1", "jobs"),
        ("/v1/jobs/job_1/outputs", "jobs"),
        ("/v1/jobs/job_1/scene", "scenes"),
        ("/v1/jobs/latest", "jobs"),
        ("/v1/tokens/latest", "latest"),
    ],
)
def test_the_most_specific_template_wins(path: str, function: str) -> None:
    route = RouteTable(TEMPLATES).find(path)

    assert route is not None
    assert route.function == function


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/jobs/", "/v1/jobs/a/b/c", "/v1/jobsx", "/v2/jobs", "/V1/jobs"]
)
def test_other_paths_belong_to_nobody(path: str) -> None:
    assert RouteTable(TEMPLATES).find(path) is None


def test_an_encoded_slash_stays_within_its_segment() -> None:
    route = RouteTable(TEMPLATES).find("/v1/jobs/a%2Fb")

    assert route is not None
    assert route.template == "/v1/jobs/{job_id}"


def test_two_functions_cannot_have_the_same_template() -> None:
    with pytest.raises(ValueError, match="belongs to both jobs and scenes"):
        RouteTable([("/v1/jobs/{job_id}", "jobs"), ("/v1/jobs/{id}", "scenes")])
