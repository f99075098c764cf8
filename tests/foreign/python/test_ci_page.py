"""`docs/ci.md`: its four steps and its Python program, as they stand there; and
the metrics, read by Prometheus' own parser."""

import os
import re
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


def four_steps(folder, test, **more):
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KABAO_")}
    done = subprocess.run(
        ["bash", "-eu", "-c", block("sh")], cwd=folder, capture_output=True, text=True, timeout=180,
        env=bare | more | {
            "TEST": test,
            "PATH": f"{BINARY.resolve().parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(folder),
        },
    )
    return done, (folder / "sandbox.log").read_text()


def test_four_steps_and_the_python_program(tmp_path):
    # A port that somebody else may have is nowhere in them.
    assert block("sh").count("$TEST") == 1 and "127.0.0.1" not in block("sh")
    (tmp_path / "test_member.py").write_text(block("python"))
    program = f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:schemathesis test_member.py"
    # Once more, amid what the first run has left behind.
    for _ in range(2):
        done, log = four_steps(tmp_path, program)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"
        assert "1 passed" in done.stdout, done.stdout
        assert log.endswith("stopping\n"), log
    # The address is there for commands.
    done, log = four_steps(tmp_path, "kabao sandbox reset")
    assert done.returncode == 0 and "as new" in done.stderr, f"{done.stderr}\n{log}"


def test_without_a_sandbox_there_is_no_test(tmp_path):
    done, log = four_steps(tmp_path, "echo tested", KABAO_CONTROL_TOKEN="")
    assert done.returncode != 0, done
    assert "KABAO_CONTROL_TOKEN is set, but empty" in log
    assert done.stdout == log, "the log, and no test"


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
