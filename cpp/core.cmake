# gramian_core: everything below the bindings, as a static library. Included by the package's build
# and by the tests in tests/cpp, which want Python's interpreter found first.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(GRAMIAN_WARNINGS -Wall -Wextra -Wconversion -Wshadow)
find_package(Threads REQUIRED)
include(${CMAKE_CURRENT_LIST_DIR}/blas.cmake)
set(CPU_SOURCES ${CMAKE_CURRENT_LIST_DIR}/gramian/cpu)

add_library(gramian_core STATIC
  ${CPU_SOURCES}/blas_info.cpp
  ${CPU_SOURCES}/gate.cpp
  ${CPU_SOURCES}/gram_samples.cpp
  ${CPU_SOURCES}/lasso.cpp
  ${CPU_SOURCES}/simd_table.cpp
  ${CPU_SOURCES}/thread_pool.cpp)
target_compile_features(gramian_core PUBLIC cxx_std_20)
target_compile_options(gramian_core PRIVATE ${GRAMIAN_WARNINGS})
target_link_libraries(gramian_core PUBLIC gramian_blas Threads::Threads ${CMAKE_DL_LIBS})

# Vector loops, one object a level of x86-64; the best one that runs is chosen at import. Under
# sanitizers, where they would take 85 s to compile, they are loops like others.
set(optimised -O3)
if(GRAMIAN_SANITIZE)
  set(optimised -O1)
endif()
function(gramian_simd table level)
  add_library(simd_${table} OBJECT ${CPU_SOURCES}/simd.cpp)
  target_compile_features(simd_${table} PRIVATE cxx_std_20)
  target_compile_definitions(simd_${table} PRIVATE GRAMIAN_SIMD_TABLE=${table} GRAMIAN_SIMD_LEVEL="${level}")
  target_compile_options(simd_${table} PRIVATE ${optimised} -fopenmp-simd -fno-math-errno -fno-trapping-math ${ARGN})
  target_sources(gramian_core PRIVATE $<TARGET_OBJECTS:simd_${table}>)
endfunction()
gramian_simd(baseline baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  gramian_simd(v3 x86-64-v3 -march=x86-64-v3)
  gramian_simd(v4 x86-64-v4 -march=x86-64-v4 -mprefer-vector-width=512)
  target_compile_definitions(gramian_core PRIVATE GRAMIAN_X86_LEVELS)
endif()
