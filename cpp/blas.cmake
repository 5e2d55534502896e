# gramian_blas: the BLAS and LAPACK to link. The bundled one is found through its Python package,
# whose pkg-config file would add an absolute rpath and a Fortran library.
if(GRAMIAN_BLAS STREQUAL "bundled")
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import scipy_openblas64 as o; print(o.get_lib_dir(), end='')"
    OUTPUT_VARIABLE OPENBLAS_DIR RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "scipy-openblas64 is not installed for ${Python_EXECUTABLE}: "
      "build with pip (which installs it), or pass -Ccmake.define.GRAMIAN_BLAS=system.")
  endif()
  set(OPENBLAS_LIBRARY "${OPENBLAS_DIR}/libscipy_openblas64_.so")
  add_library(gramian_blas SHARED IMPORTED)
  set_target_properties(gramian_blas PROPERTIES IMPORTED_LOCATION "${OPENBLAS_LIBRARY}")
  install(FILES "${OPENBLAS_LIBRARY}" DESTINATION gramian)
elseif(GRAMIAN_BLAS STREQUAL "system")
  find_package(BLAS REQUIRED)
  add_library(gramian_blas INTERFACE)
  target_link_libraries(gramian_blas INTERFACE BLAS::BLAS)
  target_compile_definitions(gramian_blas INTERFACE GRAMIAN_SYSTEM_BLAS)
else()
  message(FATAL_ERROR "GRAMIAN_BLAS must be bundled or system, got ${GRAMIAN_BLAS}")
endif()
