"""`docs/ci.md`: its four steps and its Python program, as they stand there; and
the metrics, read by Prometheus' own parser."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import wire
from sandbox import BINARY

PAGE = (Path(__file__).parents[3] / "docs/ci.md").read_text()


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_four_steps_and_the_python_program(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    steps = block("sh").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    assert steps.count("$TEST") == 1 and steps.count(str(port)) == 2
    (tmp_path / "test_member.py").write_text(block("python"))
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KABAO_")}
    done = subprocess.run(
        ["bash", "-eu", "-c", steps], cwd=tmp_path, capture_output=True, text=True, timeout=180,
        env=bare | {
            "TEST": f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:schemathesis test_member.py",
            "PATH": f"{BINARY.resolve().parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(tmp_path),
        },
    )
    log = (tmp_path / "sandbox.log").read_text()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"
    assert "1 passed" in done.stdout, done.stdout
    assert log.endswith("stopping\n"), log


def metrics(sandbox):
    with urllib.request.urlopen(f"{sandbox.base_url}/_sandbox/metrics", timeout=10) as answer:
        return answer.read().decode()


def test_prometheus_reads_the_metrics(sandbox, merchant):
    assert merchant.call("GET", wire.partner_card(sandbox)).status == 200
    families = {family.name: family for family in text_string_to_metric_families(metrics(sandbox))}
    requests = families["kabao_sandbox_requests"]
    assert requests.type == "counter"
    answered = [sample.value for sample in requests.samples
                if sample.labels["operation"] == "get_user_card" and sample.labels["status"] == "200"]
    assert answered and answered[0] >= 1
    assert families["kabao_sandbox_request_duration_seconds"].type == "histogram"
    assert families["kabao_sandbox_store_up"].samples[0].value == 1
