# Compiler choice, language level, warnings, sanitizers, and what makes builds quick.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++20 coroutines: a statement with co_await and a capturing lambda, an "
    "aggregate temporary or a conditional of class type destroys objects twice. "
    "Use clang++-19 (on Debian 12: apt-get install clang-19, then cmake --preset release, which picks it) or g++ 13 or later.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Without these, ccache refuses every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)

# What only our own targets are built with; nothing of it reaches a user of the library.
add_library(sennit_options INTERFACE)
target_compile_options(sennit_options INTERFACE -Wall -Wextra -Wpedantic)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(sennit_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
if(SENNIT_WERROR)
  target_compile_options(sennit_options INTERFACE -Werror)
endif()
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
if(SENNIT_SANITIZE)
  # What the undefined-behaviour checks find ends the program: a line on stderr would pass for a green test.
  add_compile_options(-fsanitize=${SENNIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SENNIT_SANITIZE})
  if(SENNIT_SANITIZE MATCHES "address.*undefined")
    # A third of such a build, for what AddressSanitizer finds by itself in nearly all cases.
    add_compile_options(-fno-sanitize=null,alignment,vptr)
  endif()
endif()
if(SENNIT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SENNIT_FUZZ needs clang: libFuzzer is part of it.")
  endif()
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
