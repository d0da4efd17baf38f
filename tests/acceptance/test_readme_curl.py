"""The README's curl examples, as they stand, in one shell after each other against a running hub and edge."""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

from infra.local import LocalStack
from tests.api_server import running_api
from tests.hub import running_hub
from tests.stack import fresh_name

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def examples() -> list[str]:
    section = README[README.index("## Over HTTP") :]
    return re.findall(r"^```sh\n(.+?)^```$", section[: section.index("\n## ")], re.MULTILINE | re.DOTALL)


async def test_the_curl_examples_create_a_payment_wait_for_it_and_see_its_event(
    stack: LocalStack, database_url: str
) -> None:
    create, wait, events = examples()
    shell = shutil.which("sh")
    assert shell, "a shell is needed"
    assert shutil.which("curl"), "curl is needed: the examples of the README are run with it"
    script = f"set -eu\n{create}\n{wait}\necho\n{events}"
    hub_of = running_hub(stack.bootstrap, database_url, fresh_name("t"), integrations=("iyzico-sandbox",))
    async with hub_of as hub, running_api(hub.settings) as api:
        process = await asyncio.create_subprocess_exec(
            *(shell, "-c", script),
            env={"PATH": os.environ["PATH"], "KOLAJ_URL": api.url, "KOLAJ_API_KEY": "shop"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(120):
            said, complaints = await process.communicate()
    assert process.returncode == 0, said.decode() + complaints.decode()
    told, *streamed = said.decode().splitlines()
    command = json.loads(told)
    assert (command["state"], command["result"]["type"]) == ("concluded", "payments.created.v1")
    seen = [json.loads(line.removeprefix("data: ")) for line in streamed if line.startswith("data: ")]
    assert seen == [command["result"]]
    assert any(line.startswith("id: ") for line in streamed)
