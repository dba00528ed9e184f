"""Whether a program keeps running, by what its main code comes to."""

from __future__ import annotations

import pytest

from poollint.python.code import Code

LOOP = "def loop():\n    while True:\n        poll()\n"
MAIN = "if __name__ == '__main__':\n    main()\n"


@pytest.fixture
def keeps_running(make_tree):
    def keeps_running(text: str, **files: str) -> bool:
        tree = make_tree({"app/__init__.py": "", "app/job.py": text, **{f"app/{n}.py": t for n, t in files.items()}})
        return Code(tree).keeps_running("app.job")

    return keeps_running


@pytest.mark.parametrize(
    "text",
    [
        "while True:\n    poll()\n",
        f"def main():\n    while 1:\n        poll()\n{MAIN}",
        f"import asyncio\nasync def loop():\n    while True:\n        await poll()\ndef main():\n    asyncio.run(loop())\n{MAIN}",
        f"from app.consumer import consume\ndef main():\n    consume()\n{MAIN}",
        f"class Bot:\n    def work(self):\n        while True:\n            poll()\ndef main():\n    Bot().work()\n{MAIN}",
        f"def main():\n    channel.start_consuming()\n{MAIN}",
        f"def main():\n    loop.run_forever()\n{MAIN}",
        f"async def main():\n    await server.start()\n    await server.wait_for_termination()\n{MAIN}",
        f"def main():\n    for message in KafkaConsumer('orders'):\n        work(message)\n{MAIN}",
        f"async def main():\n    consumer = aiokafka.AIOKafkaConsumer()\n    async for m in consumer:\n        work(m)\n{MAIN}",
        f"async def main():\n    async for message in pubsub.listen():\n        work(message)\n{MAIN}",
        f"async def main():\n    async with queue.iterator() as messages:\n        await work(messages)\n{MAIN}",
        f"async def main():\n    await client.start()\n    await asyncio.Event().wait()\n{MAIN}",
        f"async def main():\n    await client.start()\n    await asyncio.Future()\n{MAIN}",
        "while True:\n    try:\n        work()\n    except KeyboardInterrupt:\n        break\n",
        "while running:\n    work()\n    time.sleep(5)\n",
        f"class Job:\n    def run(self):\n        while not self.stopped:\n            work()\n            sleep(1)\ndef main():\n    Job().run()\n{MAIN}",
        "while not stop.is_set():\n    work()\n    stop.wait(5)\n",
        "while True:\n    try:\n        work()\n    except (KeyboardInterrupt, SystemExit):\n        sys.exit()\n",
        "while not stop:\n    for name in names:\n        if stop:\n            break\n        work(name)\n    sleep(1)\n",
        "while True:\n    for name in names:\n        if not work(name):\n            break\n    sleep(1)\n",
        "while True:\n    if stop.is_set():\n        break\n    work()\n    sleep(1)\n",
        "while True:\n    work()\n    if stop.wait(60):\n        break\n",
        "while not stop.wait(60):\n    work()\n",
        f"from app.consumer import consume\ndef main():\n    threading.Thread(target=consume).start()\n{MAIN}",
        f"from app import consumer\ndef main():\n    t = Thread(target=consumer.consume, daemon=True)\n    t.start()\n    t.join()\n{MAIN}",
    ],
)
def test_an_endless_loop_or_a_call_that_serves(keeps_running, text):
    assert keeps_running(text, consumer="def consume():\n    while True:\n        poll()\n")


@pytest.mark.parametrize(
    "text",
    [
        "for row in rows:\n    load(row)\n",
        "while True:\n    try:\n        connect()\n        break\n    except OSError:\n        sleep(1)\n",
        f"def wait():\n    while True:\n        if ready():\n            return\ndef main():\n    wait()\n{MAIN}",
        f"def forever():\n    while True:\n        poll()\ndef main():\n    load()\n{MAIN}",
        f"def main():\n    def later():\n        while True:\n            poll()\n    load()\n{MAIN}",
        "while pending:\n    work()\n",
        "while pending:\n    work(pending.pop())\n    sleep(1)\n",
        "while not ready:\n    ready = ask()\n    sleep(1)\n",
        "while not ready:\n    sleep(1)\n    if ask():\n        break\n",
        "while not ready():\n    sleep(1)\n",
        "while job.running:\n    sleep(1)\n",
        "while True:\n    answer = input()\n    work(answer)\n",
        "while True:\n    if not pending():\n        sys.exit()\n",
        "async def main():\n    await started.wait()\n    async for row in rows.iterator():\n        load(row)\n",
        "consumer = KafkaConsumer('orders')\nwhile messages := consumer.consume(50):\n    work(messages)\n",
        "for message in KafkaConsumer('orders', consumer_timeout_ms=1000):\n    work(message)\n",
        "consumer = KafkaConsumer('orders')\nfor message in consumer:\n    if message.value is None:\n        break\n",
        "import elsewhere\nelsewhere.main()\n",
        f"{LOOP}Thread(target=loop, daemon=True).start()\nwork()\n",
        f"{LOOP}t = Thread(target=loop)\nt.daemon = True\nt.start()\nwork(', '.join(rows))\n",
        f"{LOOP}t = Thread(target=loop)\nt.start()\nwork()\ndone.set()\nt.join()\n",
        f"{LOOP}t = Thread(target=work)\nt.start()\nt.join()\n",
        "while True:\n    try:\n        work()\n    except (KeyboardInterrupt, StopIteration):\n        break\n",
        "while True:\n    try:\n        work()\n    except:\n        break\n",
        "while True:\n    done = work()\n    sleep(1)\n    if done:\n        break\n",
        "while True:\n    for name in names:\n        break\n    else:\n        break\n",
        "def main():\n    while True:\n        for name in names:\n            return\nmain()\n",
    ],
)
def test_what_ends_or_is_not_called(keeps_running, text):
    assert not keeps_running(text)


def test_a_program_that_is_not_here(make_tree):
    assert not Code(make_tree({"app.py": "while True: pass\n"})).keeps_running("other.job")
