# _cuda: the CUDA backend, linked against NVIDIA's libraries as its PyPI wheels bring them (or a
# CUDA toolkit, where these are absent). Only kernels.cu needs nvcc.
set(GRAMIAN_CUDA_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/bindings/_cuda.cpp
  ${CMAKE_CURRENT_LIST_DIR}/bindings/arrays.cpp
  ${CMAKE_CURRENT_LIST_DIR}/bindings/device_array.cpp
  ${CMAKE_CURRENT_LIST_DIR}/bindings/lend.cpp
  ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/context.cpp
  ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/error.cpp
  ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/solver.cpp
  ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/polar.cpp
  ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/svd.cpp)
set(GRAMIAN_CUDA_KERNELS ${CMAKE_CURRENT_LIST_DIR}/gramian/cuda/kernels.cu)
# What a release has code for; the last one also as PTX, which newer devices compile for themselves.
set(GRAMIAN_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90-real;100-real;120" CACHE STRING
  "CUDA architectures, in CMake's notation")
string(REGEX REPLACE "-(real|virtual)" "" names "${GRAMIAN_CUDA_ARCHITECTURES}")
string(REPLACE ";" " " names "${names}")
set(GRAMIAN_CUDA_DEFINITIONS GRAMIAN_CUDA_ARCHITECTURES="${names}")

# The wheels have one folder, nvidia/cu13, with headers and libraries whose names end in a version:
# CMake's own FindCUDAToolkit does not see them. There are several where packages are installed in
# several places, of which one has the libraries.
if(NOT GRAMIAN_CUDA_ROOT)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import nvidia.cu13 as m; print(*m.__path__, sep=';', end='')"
    OUTPUT_VARIABLE folders ERROR_QUIET)
  foreach(folder IN LISTS folders)
    if(EXISTS "${folder}/lib/libcublas.so.13" AND EXISTS "${folder}/include/cusolverDn.h")
      set(GRAMIAN_CUDA_ROOT ${folder} CACHE PATH "the folder nvidia/cu13 of NVIDIA's wheels")
      break()
    endif()
  endforeach()
endif()
set(GRAMIAN_CUDA_INCLUDE "${GRAMIAN_CUDA_ROOT}/include")
# nvcc from PATH or, without one, from the wheels, which looks for its libraries in the wrong folder.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(GRAMIAN_NVCC nvcc PATHS "${GRAMIAN_CUDA_ROOT}/bin" /usr/local/cuda/bin)
  if(GRAMIAN_NVCC)
    set(CMAKE_CUDA_COMPILER ${GRAMIAN_NVCC})
  endif()
endif()
if(GRAMIAN_CUDA_ROOT)
  set(CMAKE_CUDA_FLAGS_INIT "-L${GRAMIAN_CUDA_ROOT}/lib")
endif()

function(gramian_cuda_library name file)
  add_library(gramian_${name} SHARED IMPORTED)
  set_target_properties(gramian_${name} PROPERTIES IMPORTED_LOCATION "${GRAMIAN_CUDA_ROOT}/lib/${file}")
endfunction()

function(gramian_add_cuda)
  add_library(gramian_cuda INTERFACE)
  if(GRAMIAN_CUDA_ROOT)
    gramian_cuda_library(cudart libcudart.so.13)
    gramian_cuda_library(cublas libcublas.so.13)
    gramian_cuda_library(cusolver libcusolver.so.12)
    # Their headers include crt/, which is in a wheel that few have; nvcc's own folder has it too.
    target_include_directories(gramian_cuda SYSTEM INTERFACE ${GRAMIAN_CUDA_INCLUDE}
      $<$<COMPILE_LANGUAGE:CXX>:${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}>)
    target_link_libraries(gramian_cuda INTERFACE gramian_cudart gramian_cublas gramian_cusolver)
  else()
    find_package(CUDAToolkit 13 REQUIRED)
    set(toolkit_libraries ${CUDAToolkit_LIBRARY_DIR})
    target_link_libraries(gramian_cuda INTERFACE CUDA::cudart CUDA::cublas CUDA::cusolver)
  endif()

  pybind11_add_module(_cuda MODULE ${GRAMIAN_CUDA_SOURCES} ${GRAMIAN_CUDA_KERNELS})
  target_compile_features(_cuda PRIVATE cxx_std_20)
  # One rounding an operation, as on the CPU: a x - a x would else be the rounding of one product,
  # and a layer not 0 from itself. The kernels wait for memory, not for arithmetic.
  set(one_rounding --fmad=false)
  set(strict --Werror=all-warnings -Xptxas=-warn-spills,-Werror -Xcompiler=-Wall,-Wextra)
  target_compile_options(_cuda PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:${GRAMIAN_WARNINGS}>" "$<$<COMPILE_LANGUAGE:CUDA>:${one_rounding};${strict}>")
  target_compile_definitions(_cuda PRIVATE ${GRAMIAN_CUDA_DEFINITIONS})
  target_link_libraries(_cuda PRIVATE gramian_cuda)
  # The libraries of the extra `cuda13` are siblings in site-packages; after them comes the toolkit
  # that was linked against, if one was.
  set_target_properties(_cuda PROPERTIES
    CUDA_ARCHITECTURES "${GRAMIAN_CUDA_ARCHITECTURES}" CUDA_STANDARD 20 CUDA_RUNTIME_LIBRARY None
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/../nvidia/cu13/lib;${toolkit_libraries}")
  install(TARGETS _cuda LIBRARY DESTINATION gramian)
endfunction()
