"""Elastic Beanstalk: .ebextensions, its own gunicorn, Procfile and Dockerrun.aws.json."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, facts, only

from poollint.discover import Tree
from poollint.readers import ecs, elastic_beanstalk, procfile

MakeTree = Callable[[dict[str, str]], Tree]

BY_NAMESPACE = """\
option_settings:
  aws:autoscaling:asg:
    MinSize: 2
    MaxSize: 6
  aws:elasticbeanstalk:application:environment:
    POOL_SIZE: "5"
  aws:elasticbeanstalk:container:python:
    WSGIPath: shop.wsgi:app
    NumProcesses: 3
    NumThreads: 10
"""
AS_LIST = """\
option_settings:
  - {namespace: "aws:autoscaling:asg", option_name: MaxSize, value: 6}
  - {option_name: POOL_SIZE, value: 5}
  - {namespace: "aws:elasticbeanstalk:container:python", option_name: WSGIPath, value: shop/wsgi.py}
"""


@pytest.mark.parametrize(("text", "line"), [(BY_NAMESPACE, 4), (AS_LIST, 2)])
def test_both_spellings_of_the_settings_are_read(make_tree: MakeTree, text: str, line: int) -> None:
    shop = only(elastic_beanstalk, make_tree({"shop/.ebextensions/app.config": text}))
    assert (shop.name, shop.platform, shop.life) == ("shop", "elastic-beanstalk", "long-lived")
    assert evidence(shop.instances) == (6, "MaxSize", f"shop/.ebextensions/app.config:{line}", "exact")
    assert shop.variables.variables["POOL_SIZE"].value == "5" and not shop.variables.complete


def test_the_python_platform_starts_gunicorn(make_tree: MakeTree) -> None:
    shop = only(elastic_beanstalk, make_tree({"shop/.ebextensions/app.config": BY_NAMESPACE}))
    (process,) = shop.run
    assert (process.server, process.entry, process.directory) == ("gunicorn", "shop.wsgi:app", "shop")
    assert evidence(process.processes)[::3] == (3, "exact")
    assert evidence(process.units)[::3] == (10, "exact")


def test_what_is_not_written_is_believed(make_tree: MakeTree) -> None:
    files = {".ebextensions/app.config": "option_settings: {}\n", "requirements.txt": "flask\n"}
    web = only(elastic_beanstalk, make_tree(files))
    (process,) = web.run
    believed = (web.instances, process.processes, process.units)
    assert [evidence(setting)[::3] for setting in believed] == [(4, "estimate"), (1, "estimate"), (15, "estimate")]
    assert process.entry == "application:application"


def test_a_single_instance_is_one(make_tree: MakeTree) -> None:
    text = BY_NAMESPACE + "  aws:elasticbeanstalk:environment: {EnvironmentType: SingleInstance}\n"
    shop = only(elastic_beanstalk, make_tree({".ebextensions/app.config": text}))
    assert evidence(shop.instances)[:2] == (1, "EnvironmentType")


def test_later_files_win(make_tree: MakeTree) -> None:
    later = "option_settings:\n  aws:autoscaling:asg: {MaxSize: 9}\n"
    files = {".ebextensions/01.config": BY_NAMESPACE, ".ebextensions/02.config": later}
    assert only(elastic_beanstalk, make_tree(files)).instances.value == 9


def test_a_procfile_names_the_processes_itself(make_tree: MakeTree) -> None:
    files = {".ebextensions/app.config": BY_NAMESPACE, "Procfile": "web: gunicorn --workers 2 shop.wsgi:app\n"}
    tree = make_tree(files)
    assert facts(elastic_beanstalk, tree) == []
    web = only(procfile, tree)
    assert (web.platform, web.instances.value) == ("elastic-beanstalk", 6)
    assert web.variables.variables["POOL_SIZE"].value == "5"


def test_a_dockerfile_is_built(make_tree: MakeTree) -> None:
    shop = only(elastic_beanstalk, make_tree({"shop/.ebextensions/a.config": BY_NAMESPACE, "shop/Dockerfile": "FROM x\n"}))
    assert (shop.build and shop.build.dockerfile, shop.run) == ("shop/Dockerfile", ())


def test_a_dockerrun_file_names_an_image(make_tree: MakeTree) -> None:
    dockerrun = '{"AWSEBDockerrunVersion": "1", "Image": {"Name": "registry.example/shop:1"}}'
    shop = only(elastic_beanstalk, make_tree({"Dockerrun.aws.json": dockerrun}))
    assert (shop.image, evidence(shop.instances)[::3]) == ("registry.example/shop:1", (4, "estimate"))


def test_the_containers_of_a_dockerrun_file_have_the_instances_of_the_environment(make_tree: MakeTree) -> None:
    dockerrun = '{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "shop", "image": "shop"}]}'
    tree = make_tree({".ebextensions/a.config": BY_NAMESPACE, "Dockerrun.aws.json": dockerrun})
    assert facts(elastic_beanstalk, tree) == []
    shop = only(ecs, tree)
    assert (shop.platform, shop.instances.value, shop.rollout_documented) == ("elastic-beanstalk", 6, False)


def test_settings_of_something_else_are_nothing(make_tree: MakeTree) -> None:
    files = {".ebextensions/app.config": "option_settings: {}\n", "package.json": "{}", "x/app.config": BY_NAMESPACE}
    assert facts(elastic_beanstalk, make_tree(files)) == []
