# Everything a person may switch. The presets in CMakePresets.json set these; nothing else does.
option(MARTLET_WERROR "Treat compiler warnings as errors (on for developers and CI, off for users)" OFF)
option(MARTLET_TESTS "Build the unit and property tests" ON)
option(MARTLET_BENCH "Build the benchmark programs" OFF)
option(MARTLET_FUZZ "Build the libFuzzer programs (needs clang)" OFF)
option(MARTLET_COVERAGE "Instrument for line coverage" OFF)
option(MARTLET_HARDEN "Fortified libc, stack protector, position-independent program, full RELRO" OFF)
set(MARTLET_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; empty for none")

set(_martlet_cache "$ENV{XDG_CACHE_HOME}")
if(_martlet_cache STREQUAL "")
  set(_martlet_cache "$ENV{HOME}/.cache")
endif()
if(DEFINED ENV{MARTLET_DEPS_CACHE})
  set(_martlet_cache_default "$ENV{MARTLET_DEPS_CACHE}")
else()
  set(_martlet_cache_default "${_martlet_cache}/martlet/deps")
endif()
set(MARTLET_DEPS_CACHE "${_martlet_cache_default}" CACHE PATH
    "Where deps/fetch put the pinned files; configuring only reads it")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
