from shared.core.config import pool_size
from shared.core.names import function_url, service_name


def test_a_service_is_named_after_its_function():
    assert service_name("on_job_event") == "on-job-event"


def test_a_function_s_url_is_the_template_with_its_service():
    assert function_url("https://{function}-1.r.run.app", "on_upload") == "https://on-upload-1.r.run.app"
    assert function_url("http://h/{function}?x={y}", "docs") == "http://h/docs?x={y}"


def test_a_pool_serves_every_request_at_a_time_up_to_five():
    assert [pool_size(n) for n in (1, 5, 20)] == [1, 5, 5]
