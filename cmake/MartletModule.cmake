# martlet_module(name DEPS … SOURCES …) and martlet_program(name …): the whole build of a module in a few lines.
#
#   martlet_module(registry
#     DEPS base metadata artifacts      other modules whose headers it includes (checked by tools/check_layers.py)
#     USES deps::yaml_cpp               third-party targets of deps/ (private to the module)
#     SOURCES model_registry.cc …       listed, not globbed
#     TESTS model_registry_test.cc …    one GoogleTest program martlet_registry_test, also a ctest of that name
#     TEST_DEPS table                   further modules that only the tests include
#     TEST_USES deps::sqlite3           further third-party targets that only the tests need
#     FUZZERS thing_fuzz.cc …           one libFuzzer program each; preset `fuzz` only
#     BENCHES thing_bench.cc …          one Google Benchmark program martlet_registry_bench; MARTLET_BENCH only
#     TEST_TIMEOUT 300)                 seconds for the whole test program
#
#   martlet_program(martlet DEPS … USES … SOURCES … TESTS …)   the executable <build>/bin/martlet; its module is the folder's name.
#     All sources but main.cc also form the library martlet_<folder>, so that tests can link them. MARTLET_VERSION is
#     defined as a string in them.
#
# Sources include each other from src/: #include "registry/model_registry.h". Third-party headers come in as system headers.

add_library(martlet_pch OBJECT cmake/pch.cc)
target_link_libraries(martlet_pch PRIVATE deps::fmt deps::json deps::expected)
target_include_directories(martlet_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake")
target_precompile_headers(martlet_pch PRIVATE [["pch.h"]])
target_compile_options(martlet_pch PRIVATE ${MARTLET_WARNINGS})

# Flags, header and include root of one of our own C++ targets.
function(_martlet_ours target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_options(${target} PRIVATE ${MARTLET_WARNINGS})
  target_link_libraries(${target} PRIVATE deps::fmt deps::json deps::expected Threads::Threads)
  target_precompile_headers(${target} REUSE_FROM martlet_pch)
endfunction()

function(_martlet_libraries out)
  set(names "")
  foreach(module IN LISTS ARGN)
    list(APPEND names martlet_${module})
  endforeach()
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# A JSON array of strings.
function(_martlet_json_list out)
  list(JOIN ARGN "\", \"" text)
  if(NOT text STREQUAL "")
    set(text "\"${text}\"")
  endif()
  set(${out} "[${text}]" PARENT_SCOPE)
endfunction()

function(_martlet_record module)
  foreach(field DEPS USES TEST_DEPS TEST_USES SOURCES TESTS FUZZERS BENCHES)
    _martlet_json_list(${field}_json ${M_${field}})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY MARTLET_GRAPH
    "    \"${module}\": {\"deps\": ${DEPS_json}, \"uses\": ${USES_json}, \"test_deps\": ${TEST_DEPS_json}, \"test_uses\": ${TEST_USES_json},\n      \"sources\": ${SOURCES_json}, \"tests\": ${TESTS_json}, \"fuzzers\": ${FUZZERS_json}, \"benches\": ${BENCHES_json}}")
endfunction()

function(martlet_write_graph)
  get_property(modules GLOBAL PROPERTY MARTLET_GRAPH)
  list(JOIN modules ",\n" body)
  set(text "{\n  \"source_dir\": \"${CMAKE_SOURCE_DIR}\",\n  \"modules\": {\n${body}\n  }\n}\n")
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/modules.json" CONTENT "${text}" @ONLY)
endfunction()

# MARTLET_SOURCE_DIR, the checkout's path, for those sources alone that say it: the compiler cache can share all others.
function(_martlet_source_dir)
  foreach(source IN LISTS ARGN)
    file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/${source}" uses REGEX MARTLET_SOURCE_DIR LIMIT_COUNT 1)
    if(uses)
      set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS "MARTLET_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
    endif()
  endforeach()
endfunction()

function(_martlet_tests module)
  if(NOT M_TESTS OR NOT MARTLET_TESTS)
    return()
  endif()
  set(test martlet_${module}_test)
  add_executable(${test} ${M_TESTS})
  _martlet_ours(${test})
  _martlet_libraries(test_libraries ${M_TEST_DEPS})
  target_link_libraries(${test} PRIVATE martlet_${module} ${test_libraries} ${M_USES} ${M_TEST_USES}
    deps::gtest deps::rapidcheck)
  _martlet_source_dir(${M_TESTS})
  set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  if(NOT M_TEST_TIMEOUT)
    set(M_TEST_TIMEOUT 300)
  endif()
  add_test(NAME ${test}
    COMMAND ${test} --gtest_brief=1 "--gtest_output=xml:${CMAKE_BINARY_DIR}/test-results/${test}.xml")
  set_tests_properties(${test} PROPERTIES TIMEOUT ${M_TEST_TIMEOUT} LABELS unit
    ENVIRONMENT "TZ=UTC;ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1;UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1;TSAN_OPTIONS=halt_on_error=1")
endfunction()

function(_martlet_fuzzers module)
  if(NOT MARTLET_FUZZ)
    return()
  endif()
  foreach(source IN LISTS M_FUZZERS)
    get_filename_component(stem ${source} NAME_WE)
    set(fuzzer martlet_${module}_${stem})
    add_executable(${fuzzer} ${source})
    _martlet_ours(${fuzzer})
    target_link_libraries(${fuzzer} PRIVATE martlet_${module} ${M_USES})
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    if(NOT TARGET fuzzers)
      add_custom_target(fuzzers)  # all of them and what they need, without the rest
    endif()
    add_dependencies(fuzzers ${fuzzer})
    set_target_properties(${fuzzer} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  endforeach()
endfunction()

function(_martlet_benches module)
  if(NOT M_BENCHES OR NOT MARTLET_BENCH)
    return()
  endif()
  set(bench martlet_${module}_bench)
  add_executable(${bench} ${M_BENCHES})
  _martlet_ours(${bench})
  _martlet_libraries(bench_libraries ${M_TEST_DEPS})
  target_link_libraries(${bench} PRIVATE martlet_${module} ${bench_libraries} ${M_USES} deps::benchmark)
  _martlet_source_dir(${M_BENCHES})
  set_target_properties(${bench} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
endfunction()

# Several people edit one tree: a listed file that is not there yet is left out with a warning, and check_layers names it.
macro(_martlet_existing)
  foreach(kind SOURCES TESTS FUZZERS BENCHES)
    set(found "")
    foreach(source IN LISTS M_${kind})
      if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
        list(APPEND found "${source}")
      else()
        message(WARNING "${CMAKE_CURRENT_SOURCE_DIR}/${source} is listed but missing; left out")
      endif()
    endforeach()
    set(M_${kind} ${found})
  endforeach()
endmacro()

macro(_martlet_parse)
  cmake_parse_arguments(PARSE_ARGV 1 M "" "TEST_TIMEOUT"
    "DEPS;USES;SOURCES;TESTS;TEST_DEPS;TEST_USES;FUZZERS;BENCHES")
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${CMAKE_CURRENT_LIST_DIR}: unknown words in the module's declaration: ${M_UNPARSED_ARGUMENTS}")
  endif()
  _martlet_existing()
endmacro()

function(_martlet_library module)
  _martlet_libraries(libraries ${M_DEPS})
  if(NOT ARGN)  # headers only
    add_library(martlet_${module} INTERFACE)
    target_link_libraries(martlet_${module} INTERFACE ${libraries} ${M_USES})
    return()
  endif()
  add_library(martlet_${module} STATIC ${ARGN})
  _martlet_ours(martlet_${module})
  target_link_libraries(martlet_${module} PUBLIC ${libraries} PRIVATE ${M_USES})
  # A library whose own headers include a third-party one (base/result.h) hands the include path on; linking does too.
  foreach(use IN LISTS M_USES)
    target_include_directories(martlet_${module} SYSTEM INTERFACE
      $<TARGET_PROPERTY:${use},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
endfunction()

function(martlet_module module)
  _martlet_parse()
  _martlet_library(${module} ${M_SOURCES})
  _martlet_tests(${module})
  _martlet_fuzzers(${module})
  _martlet_benches(${module})
  _martlet_record(${module})
endfunction()

function(martlet_program program)
  _martlet_parse()
  get_filename_component(module "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  set(rest ${M_SOURCES})
  list(REMOVE_ITEM rest main.cc)
  _martlet_library(${module} ${rest})
  add_executable(${program} main.cc)
  _martlet_ours(${program})
  foreach(target martlet_${module} ${program})
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL INTERFACE_LIBRARY)
      target_compile_definitions(${target} PRIVATE "MARTLET_VERSION=\"${PROJECT_VERSION}\"")
    endif()
  endforeach()
  target_link_libraries(${program} PRIVATE martlet_${module} ${M_USES})
  _martlet_tests(${module})
  _martlet_record(${module})
endfunction()
