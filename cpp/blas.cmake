# gramian_blas: the BLAS and LAPACK to link. The bundled one is found through its Python package,
# whose pkg-config file would add an absolute rpath and a Fortran library.
set(GRAMIAN_BLAS bundled CACHE STRING "bundled: scipy-openblas64, copied into the package; system: the distribution's")
set_property(CACHE GRAMIAN_BLAS PROPERTY STRINGS bundled system)
set(GRAMIAN_BUNDLED_LIBRARIES)

if(GRAMIAN_BLAS STREQUAL "bundled")
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import scipy_openblas64 as o; print(o.get_lib_dir(), end='')"
    OUTPUT_VARIABLE OPENBLAS_DIR RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "scipy-openblas64 is not installed for ${Python_EXECUTABLE}: "
      "build with pip (which installs it), or pass -Ccmake.define.GRAMIAN_BLAS=system.")
  endif()
  # Under a name of its own, see own_blas.py.
  set(original "${OPENBLAS_DIR}/libscipy_openblas64_.so")
  set(blas_folder "${CMAKE_CURRENT_BINARY_DIR}/blas")
  set(GRAMIAN_BUNDLED_LIBRARIES "${blas_folder}/libgramian_openblas_.so")
  set(own_blas "${CMAKE_CURRENT_LIST_DIR}/own_blas.py")
  execute_process(
    COMMAND ${Python_EXECUTABLE} "${own_blas}" "${original}" "${GRAMIAN_BUNDLED_LIBRARIES}"
      "${blas_folder}/gramian_own_blas.hpp"
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${own_blas} could not copy ${original}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${original}" "${own_blas}")
  add_library(gramian_blas SHARED IMPORTED)
  target_include_directories(gramian_blas INTERFACE "${blas_folder}")
  set_target_properties(gramian_blas PROPERTIES IMPORTED_LOCATION "${GRAMIAN_BUNDLED_LIBRARIES}")
elseif(GRAMIAN_BLAS STREQUAL "system")
  # The C interface, with 32-bit integers: in the BLAS itself (OpenBLAS, MKL, FlexiBLAS, Debian's
  # reference BLAS) or in a libcblas beside it (the reference BLAS of others, ATLAS).
  set(BLA_SIZEOF_INTEGER 4)
  find_package(LAPACK REQUIRED)  # and with it BLAS
  include(CheckCXXSourceCompiles)
  set(calls_cblas "extern \"C\" void cblas_dgemm(); int main() { cblas_dgemm(); }")
  set(CMAKE_REQUIRED_LIBRARIES LAPACK::LAPACK BLAS::BLAS)
  check_cxx_source_compiles("${calls_cblas}" BLAS_HAS_CBLAS)
  if(NOT BLAS_HAS_CBLAS)
    find_library(CBLAS_LIBRARY NAMES cblas)
    if(CBLAS_LIBRARY)
      list(PREPEND CMAKE_REQUIRED_LIBRARIES ${CBLAS_LIBRARY})
      check_cxx_source_compiles("${calls_cblas}" CBLAS_WORKS)
    endif()
    if(NOT CBLAS_WORKS)
      message(FATAL_ERROR "GRAMIAN_BLAS=system: ${BLAS_LIBRARIES} has no C interface (cblas_dgemm), "
        "and no libcblas that has one was found. Install OpenBLAS's development package, or choose "
        "another BLAS with -Ccmake.define.BLA_VENDOR=NAME (CMake's FindBLAS lists the names).")
    endif()
  endif()
  add_library(gramian_blas INTERFACE)
  target_link_libraries(gramian_blas INTERFACE ${CMAKE_REQUIRED_LIBRARIES})
  target_compile_definitions(gramian_blas INTERFACE GRAMIAN_SYSTEM_BLAS)
  unset(CMAKE_REQUIRED_LIBRARIES)
else()
  message(FATAL_ERROR "GRAMIAN_BLAS must be bundled or system, got ${GRAMIAN_BLAS}")
endif()
