# shellcheck shell=bash
# What the parts of CI share: where their packages are, how a command is shown and run. Sourced.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off PYTHONDONTWRITEBYTECODE=1
export PYTEST_ADDOPTS="-p no:cacheprovider"
if command -v ccache > /dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_CUDA_COMPILER_LAUNCHER=ccache
fi

# Environments, builds and logs are in a folder that the parts of one run share; a part that is run
# alone has one of its own, which goes with it.
if [ -z "${GRAMIAN_CI_FOLDER:-}" ]; then
  GRAMIAN_CI_FOLDER=$(mktemp -d)
  export GRAMIAN_CI_FOLDER
  trap 'rm -rf "$GRAMIAN_CI_FOLDER"' EXIT
fi
work=$GRAMIAN_CI_FOLDER

say() { printf '\n== %s\n' "$*"; }

# A shell of its own: inside `a && b`, errexit would let a failing `a` pass.
run() {
  local start=$SECONDS
  say "$1"
  bash -euo pipefail -c "$1" < /dev/null || return
  echo "-- $((SECONDS - start)) s"
}

# Run a command that tests, and keep the line with its counts: run_tests NAME COMMAND.
run_tests() {
  run "$2" 2>&1 | tee "$work/$1.log"
  grep -E '[0-9]+ passed.* in [0-9.]+s' "$work/$1.log" | tail -n 1 | sed "s/[= ]*\(.*[^ =]\)[ =]*/$1: \1/" \
    >> "$work/counts"
}

# Run two commands at once. What the first prints is shown when the second has ended.
side_by_side() {
  local log first failed=0
  log=$(mktemp "$work/log.XXXX")
  bash -c "$1" > "$log" 2>&1 &
  first=$!
  bash -c "$2" || failed=1
  wait "$first" || failed=1
  cat "$log"
  return "$failed"
}

# Enter a virtual environment of this name, which the first to come makes.
environment() {
  [ -d "$work/$1" ] || python3 -m venv "$work/$1"
  # shellcheck disable=SC1091
  . "$work/$1/bin/activate"
}

# Print the packages of extras, or what a build requires; to be installed without the project.
requirements() {
  python - "$@" <<'PYTHON'
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    pyproject = tomllib.load(file)
packages = pyproject["project"]["optional-dependencies"]
packages["build"] = [*pyproject["build-system"]["requires"], "cmake", "ninja"]
packages["package"] = pyproject["project"]["dependencies"]
print(*(package for name in sys.argv[1:] for package in packages[name]), sep="\n")
PYTHON
}

# Install them.
install() {
  requirements "$@" > "$work/$1.txt"
  run "pip install -q -r $work/$1.txt"
}
