add_custom_target(benches)  # Every benchmark program: scripts/bench builds it.

# ekya_module(PATH [DEPS module...] [VENDORS target...])
#
# Makes, from src/PATH: the static library `PATH with _ for /` of its *.cc files, one test program of
# its *_test.cc files, and one benchmark program of its *_bench.cc files. `base` is always a
# dependency. A file is found by its name alone, so adding one needs no edit here.
# main.cc belongs to ekya_program and is left out.
function(ekya_module path)
  cmake_parse_arguments(ARG "" "" "DEPS;VENDORS" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  set(name ekya_${name})
  set(folder ${CMAKE_SOURCE_DIR}/src/${path})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|/main)\\.cc$")

  set(deps ${ARG_DEPS})
  if(NOT path STREQUAL "base")
    list(APPEND deps base)
  endif()
  list(TRANSFORM deps REPLACE "/" "_")
  list(TRANSFORM deps PREPEND "ekya_")

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} ekya_options ${deps} ${ARG_VENDORS} Threads::Threads)
  if(sources AND "ekya::torch" IN_LIST ARG_VENDORS)
    ekya_use_torch_header(${name} ${sources})
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE
      EKYA_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared" EKYA_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
      EKYA_BINARY_DIR="${CMAKE_BINARY_DIR}")
    # One program per module and one process per program: LibTorch alone costs 0.7 s a start.
    add_test(NAME ${path} COMMAND ${name}_test)
    set_tests_properties(${path} PROPERTIES TIMEOUT 600
      ENVIRONMENT "OMP_NUM_THREADS=1;OMP_WAIT_POLICY=passive")
  endif()
  if(benches)
    add_executable(${name}_bench ${benches})
    add_dependencies(benches ${name}_bench)
    target_link_libraries(${name}_bench PRIVATE ${name} benchmark::benchmark_main)
    target_compile_definitions(${name}_bench PRIVATE
      EKYA_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared" EKYA_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
endfunction()

# ekya_program(NAME PATH): the executable NAME from src/PATH/main.cc and the module's library.
function(ekya_program name path)
  string(REPLACE "/" "_" module ${path})
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/src/${path}/main.cc)
    return()
  endif()
  add_executable(${name} ${CMAKE_SOURCE_DIR}/src/${path}/main.cc)
  target_link_libraries(${name} PRIVATE ekya_${module})
  target_compile_definitions(${name} PRIVATE EKYA_VERSION="${PROJECT_VERSION}")
endfunction()
