# Compiler, linker and cache settings for the whole build.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(EKYA_CCACHE ccache)
if(EKYA_CCACHE)
  # Precompiled headers need these two, or every file that uses one misses the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${EKYA_CCACHE})
endif()
find_program(EKYA_LLD ld.lld)
if(EKYA_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# A file that includes torch takes 1.3 GB (2 GB with sanitizers): never more at once than fit.
cmake_host_system_information(RESULT EKYA_MEMORY_MIB QUERY TOTAL_PHYSICAL_MEMORY)
math(EXPR EKYA_TORCH_JOBS "${EKYA_MEMORY_MIB} / 2500")
if(EKYA_TORCH_JOBS LESS 1)
  set(EKYA_TORCH_JOBS 1)
endif()
set_property(GLOBAL PROPERTY JOB_POOLS torch=${EKYA_TORCH_JOBS})

# Warnings are errors in our own code; vendor headers come in as SYSTEM.
add_library(ekya_options INTERFACE)
target_compile_options(ekya_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False positives on `"text" + string` at -O3 (GCC bug 105651).
  target_compile_options(ekya_options INTERFACE -Wno-restrict)
endif()
target_include_directories(ekya_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(EKYA_SANITIZE)
  target_compile_options(ekya_options INTERFACE -fsanitize=${EKYA_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ekya_options INTERFACE -fsanitize=${EKYA_SANITIZE})
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # RapidJSON compares null + size with null before its first allocation; clang says so.
    target_compile_options(ekya_options INTERFACE -fno-sanitize=pointer-overflow)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND (EKYA_SANITIZE OR EKYA_QUICK))
  # gcc 12 reports false positives of these under sanitizers and at -O1 (GCC bugs 105562, 105593);
  # the release build has them as errors.
  target_compile_options(ekya_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds
    -Wno-stringop-overflow)
endif()
if(EKYA_FUZZ)
  # Coverage for the fuzzers to steer by; what goes wrong is the sanitizers' to see.
  target_compile_options(ekya_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(EKYA_COVERAGE)
  target_compile_options(ekya_options INTERFACE --coverage)
  target_link_options(ekya_options INTERFACE --coverage)
endif()
