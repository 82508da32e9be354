add_custom_target(benches)  # Every benchmark program: scripts/bench builds it.

# The lean build is for quick answers: what most files include is compiled once, and files of one module
# are compiled together, which halves its time twice. The other presets do without, so that a file which
# forgets an include is found there. Names without a namespace's protection must differ within a module.
if(EKYA_QUICK)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 9)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/common_headers.cc CONTENT "")
  set(ekya_common_headers <algorithm> <cmath> <cstdint> <filesystem> <functional> <map> <memory>
      <optional> <string> <string_view> <utility> <variant> <vector> <fmt/format.h> <fmt/ranges.h>)
  add_library(ekya_headers OBJECT ${CMAKE_BINARY_DIR}/common_headers.cc)
  target_link_libraries(ekya_headers PRIVATE ekya_options fmt::fmt Threads::Threads)
  target_precompile_headers(ekya_headers PRIVATE ${ekya_common_headers})
  # What is not computed with for long is not optimised, as the tests are not.
  add_library(ekya_plain_headers OBJECT ${CMAKE_BINARY_DIR}/common_headers.cc)
  target_link_libraries(ekya_plain_headers PRIVATE ekya_options fmt::fmt Threads::Threads)
  target_precompile_headers(ekya_plain_headers PRIVATE ${ekya_common_headers})
  target_compile_options(ekya_plain_headers PRIVATE -O0)
  add_library(ekya_test_headers OBJECT ${CMAKE_BINARY_DIR}/common_headers.cc)
  target_link_libraries(ekya_test_headers PRIVATE ekya_options fmt::fmt GTest::gmock
                        Threads::Threads)
  target_precompile_headers(ekya_test_headers PRIVATE ${ekya_common_headers} <gmock/gmock.h>
                            <gtest/gtest.h>)
  target_compile_options(ekya_test_headers PRIVATE -O0)
endif()

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
  if(sources AND EKYA_QUICK)
    if(path MATCHES "^(apps|platform)/")
      target_precompile_headers(${name} REUSE_FROM ekya_plain_headers)
      target_compile_options(${name} PRIVATE -O0)
    else()
      target_precompile_headers(${name} REUSE_FROM ekya_headers)
    endif()
  endif()
  if(sources AND "ekya::torch" IN_LIST ARG_VENDORS)
    ekya_use_torch_header(${name} ${sources})
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE
      EKYA_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared" EKYA_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
      EKYA_BINARY_DIR="${CMAKE_BINARY_DIR}")
    if(EKYA_QUICK)
      target_precompile_headers(${name}_test REUSE_FROM ekya_test_headers)
      target_compile_options(${name}_test PRIVATE -O0)
    endif()
    # One program per module and one process per program: LibTorch alone costs 0.7 s a start.
    add_test(NAME ${path} COMMAND ${name}_test)
    set_tests_properties(${path} PROPERTIES TIMEOUT 600
      ENVIRONMENT "OMP_NUM_THREADS=1;OMP_WAIT_POLICY=passive")
  endif()
  if(benches)
    add_executable(${name}_bench ${benches})
    add_dependencies(benches ${name}_bench)
    if(EKYA_LEAN OR EKYA_SANITIZE)
      set_target_properties(${name}_bench PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
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
