import pytest

from engine.api.app import create
from engine.api.guard import COOKIE
from engine.api.table import OPERATIONS
from engine.config import Config
from engine.errors import Misconfigured
from tests.web.world import TOKEN, api

PAGES = [
    ("GET", path)
    for path in (
        "/", "/instances/x", "/workflows", "/workflows/release", "/approvals", "/deliveries", "/deliveries/x", "/syncs", "/nope",
    )
] + [("POST", path) for path in ("/instances/x/cancel", "/workflows/release/start", "/syncs", "/logout")]  # fmt: skip
ROUTES = [(operation.method, operation.path, operation.public) for operation in OPERATIONS]
ROUTES += [(method, path, False) for method, path in PAGES]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    from engine.adapters.databases.connect import open_definitions, open_instances
    from tests.web.definitions import RELEASE
    from tests.web.world import World

    url = f"sqlite:///{tmp_path_factory.mktemp('access') / 'h.db'}"
    for database in (open_instances(url), open_definitions(url)):
        database.upgrade()
        database.close()
    world = World(url)
    world.load(RELEASE)
    with api(world, api_token=TOKEN) as client:
        yield client
    world.close()


def visit(client, method, path, **headers):
    path = path.replace("{path:path}", "build").replace("{id}", "x").replace("{name}", "release")
    return client.request(method, path, headers=headers, follow_redirects=False)


@pytest.mark.parametrize(("method", "path", "public"), ROUTES)
def test_every_route_asks_for_the_token(guarded, method, path, public):
    wrong = [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Cookie": f"{COOKIE}={TOKEN}"},
        {"Cookie": f"{COOKIE}=9999999999.{'0' * 64}"},
        {"Authorization": "Bearer ümläut".encode()},
    ]
    for headers in wrong:
        answer = visit(guarded, method, path, **headers)
        if public:
            assert answer.status_code == 200
        elif answer.status_code == 303:
            assert method == "GET"
            assert answer.headers["location"].startswith("/login")
        else:
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
    right = visit(guarded, method, path, Authorization=f"Bearer {TOKEN}")
    assert right.status_code not in (401, 403)
    assert not right.headers.get("location", "").startswith("/login") or path == "/logout"


def test_signing_in_gives_a_cookie_that_pages_take(guarded):
    refused = guarded.post("/login", data={"token": "wrong", "next": "/"})
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    entered = guarded.post("/login", data={"token": TOKEN, "next": "/workflows?x=1"}, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/workflows?x=1")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    value = cookie.split(";")[0]
    guarded.cookies.clear()
    assert visit(guarded, "GET", "/workflows", Cookie=value).status_code == 200
    later = value.replace(value.split("=")[1].split(".")[0], "9999999999")
    assert visit(guarded, "GET", "/workflows", Cookie=later).status_code == 303, "a cookie cannot be made to last"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_signing_in_leads_to_our_own_pages_only(guarded, target):
    entered = guarded.post("/login", data={"token": TOKEN, "next": target}, follow_redirects=False)
    guarded.cookies.clear()
    assert entered.headers["location"] == "/"


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "headrace.example.com", "::"])
def test_binding_elsewhere_without_a_token_is_refused(small_world, host):
    with pytest.raises(Misconfigured, match="HEADRACE_API_TOKEN"):
        create(small_world.services, Config(api_host=host))
    assert create(small_world.services, Config(api_host=host, api_token=TOKEN))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((name, 200) for name in ("localhost:8080", "127.0.0.1", "[::1]:8080", "127.1.2.3")),
        *((name, 403) for name in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "[")),
    ],
)
def test_without_a_token_only_loopback_names_are_served(small_client, host, status):
    """A page whose name was rebound to 127.0.0.1 must not read ours."""
    assert small_client.get("/api/v1/workflows", headers={"Host": host}).status_code in (
        status,
        400 if status == 403 else status,
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_cannot_make_a_browser_act(small_client, small_world, headers):
    for path in ("/workflows/gate/start", "/api/v1/workflows/gate/instances"):
        assert small_client.post(path, headers=headers).status_code == 403
    assert not small_world.instances.reader.list()


def test_our_own_pages_can_act(small_client, small_world):
    origin = str(small_client.base_url).rstrip("/")
    answer = small_client.post("/workflows/gate/start", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    assert len(small_world.instances.reader.list()) == 1


@pytest.mark.parametrize("path", ["/", "/nope", "/login", "/api/v1/instances", "/api/v1/nope", "/static/nope.css"])
def test_headers_that_browsers_keep_to(small_client, path):
    headers = small_client.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
