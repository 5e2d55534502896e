#!/usr/bin/env bash
# Builds a wheel with CUDA for the card of this machine and installs it in the present environment,
# without a network:
#   bench/gpu/build.sh WHEELS OUTPUT [ARCHITECTURE]
# WHEELS holds those of scipy-openblas64 and pybind11; a wheel of gramian that lies there too, or in
# OUTPUT, is installed as it is. OUTPUT gets the wheel and build.log. JOBS (12) compilers run at once.
set -euo pipefail
cd "$(dirname "$0")/../.."
wheels=$(realpath "$1") output=$(realpath -m "$2") architecture=${3:-90-real}
export PATH="$PATH:/usr/local/cuda/bin" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-12}
install=(python3 -m pip install -q --no-index --no-deps --no-compile --force-reinstall)
mkdir -p "$output"
started=$SECONDS

tag=$(python3 -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
built=$(find "$output" "$wheels" -name "gramian-*-$tag-*.whl" -print -quit)
if [ -z "$built" ]; then
  "${install[@]}" "$wheels"/{scipy_openblas64,pybind11}-*.whl
  # NVIDIA's wheels may come without the crt/ headers that theirs include; nvcc has its own.
  own=$(nvcc --dryrun -x cu -c /dev/null 2>&1 | sed -n 's/^#\$ INCLUDES="-I\([^"]*\)".*/\1/p')
  # The host compiler of this machine may warn of what others do not, and warnings are errors.
  export NVCC_APPEND_FLAGS="-Xcompiler=-w"
  export CXXFLAGS="${CXXFLAGS:-} ${own:+-isystem $own}"
  echo "building for $architecture; CXXFLAGS=$CXXFLAGS"
  python3 -m pip wheel . -v --no-deps --no-index --no-build-isolation -w "$output" \
    -Ccmake.define.GRAMIAN_CUDA=ON "-Ccmake.define.GRAMIAN_CUDA_ARCHITECTURES=$architecture" \
    -Ccmake.define.CMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF > "$output/build.log" 2>&1 ||
    { grep -nE -m 20 'error|Error' "$output/build.log"; tail -n 25 "$output/build.log"; exit 1; }
  built=$(find "$output" -name "gramian-*-$tag-*.whl" -print -quit)
fi
"${install[@]}" "$built"
# From elsewhere than the repository, with every symbol bound.
cd / && LD_BIND_NOW=1 python3 -c \
  'import gramian; from gramian import _cuda; print(gramian.__file__, _cuda.versions())'
echo "$(basename "$built"): built and installed in $((SECONDS - started)) s"
