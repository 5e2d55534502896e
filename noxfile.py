"""Sessions for developers: `nox -l` lists them, `nox` runs the linters and the tests."""

import nox

nox.options.sessions = ["lint", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against an installed package."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and spelling."""
    session.install("pre-commit")
    session.run("pre-commit", "run", "--all-files", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Call every function with what it must refuse: `nox -s fuzz -- --seed 0 --seconds 600`."""
    session.install(".[test]")
    session.run("python", "tests/fuzz", *session.posargs)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the C++ tests under sanitizers."""
    session.install("cmake", "ninja", *nox.project.load_toml()["build-system"]["requires"])
    session.chdir("tests/cpp")
    for preset in ("address", "thread"):
        session.run("cmake", "--workflow", "--preset", preset)


@nox.session
def hostcuda(session: nox.Session) -> None:
    """Build the CUDA backend and run the tests on stand-ins for NVIDIA's libraries; needs nvcc."""
    session.install("cuda-toolkit[cublas,cusolver,cudart,cccl,crt]==13.0.*", "cmake", "ninja")
    session.install(*nox.project.load_toml()["build-system"]["requires"])
    session.install("--no-build-isolation", "-Ccmake.define.GRAMIAN_CUDA=ON", ".[test]")
    session.run(
        "tests/hostcuda/run", "installed", "build/hostcuda", *session.posargs, external=True
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Print the table of benchmarks."""
    session.install(".[bench,torch]")
    session.run("python", "-m", "bench", *session.posargs)
