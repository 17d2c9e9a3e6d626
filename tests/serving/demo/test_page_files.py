"""What the page is made of, and where it may be written."""

import hashlib
import json
import re

import pytest

from kser.errors import UserError
from kser.serving.demo.page_app import CONTENT_SECURITY_POLICY
from kser.serving.demo.page_files import PAGE, RUNTIME, checked_site, copy_page, copy_runtime


def test_the_runtime_is_what_its_readme_says(tmp_path):
    copy_runtime(tmp_path)
    listed = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|$", (RUNTIME / "README.md").read_text(), re.M))
    assert set(listed) == {"ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"}
    written = tmp_path / RUNTIME.name
    assert {name: hashlib.sha256((written / name).read_bytes()).hexdigest() for name in listed} == listed
    assert (written / "LICENSE.txt").read_text().startswith("MIT License")
    assert "protobuf" in (written / "ThirdPartyNotices.txt").read_text()


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    copy_page(tmp_path / "page")
    for path in PAGE.iterdir():
        text = path.read_text()
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text), path.name
        for module in re.findall(r'(?:from |URL\()"(?:\./)?([\w/.-]+)"', text):
            assert (PAGE / module).is_file() or (RUNTIME.parent / module).is_file(), f"{path.name}: {module}"


def test_hosts_without_headers_hold_the_page_to_the_same_policy():
    assert f'content="{CONTENT_SECURITY_POLICY}"' in (PAGE / "index.html").read_text()
    assert "unsafe-inline" not in CONTENT_SECURITY_POLICY and "'unsafe-eval'" not in CONTENT_SECURITY_POLICY


def test_a_site_never_replaces_anything_else(tmp_path):
    assert checked_site(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "empty").mkdir()
    checked_site(tmp_path / "empty")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/model.json").write_text(json.dumps({"made_by": "kser demo"}))
    checked_site(tmp_path / "site")
    for content in ("{", "[]", "{}", '{"made_by": "me"}'):
        (tmp_path / "site/model.json").write_text(content)
        with pytest.raises(UserError, match="exists and is no earlier site"):
            checked_site(tmp_path / "site")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="exists and is no earlier site"):
        checked_site(tmp_path / "file")


def test_what_is_no_part_of_a_site_is_not_replaced_with_it(tmp_path):
    copy_page(tmp_path / "site")
    copy_runtime(tmp_path / "site")
    (tmp_path / "site/model.json").write_text(json.dumps({"made_by": "kser demo"}))
    (tmp_path / "site/model.onnx").write_text("")
    checked_site(tmp_path / "site")
    (tmp_path / "site/.git").mkdir()
    with pytest.raises(UserError, match=r"holds what is no part of a site: \.git; move it away"):
        checked_site(tmp_path / "site")
