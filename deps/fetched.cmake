# What deps/fetch puts into MARTLET_DEPS_CACHE, by the versions in deps/pins.txt.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/pins.txt" _pins REGEX "^[a-z0-9]+ +[0-9.]+ +[a-zA-Z]")
foreach(_pin IN LISTS _pins)
  separate_arguments(_fields UNIX_COMMAND "${_pin}")
  list(GET _fields 0 _name)
  list(GET _fields 1 _version)
  list(GET _fields 2 _path)
  set(DEPS_${_name}_DIR "${MARTLET_DEPS_CACHE}/${_name}-${_version}")
  set(DEPS_${_name}_VERSION "${_version}")
  if(NOT EXISTS "${DEPS_${_name}_DIR}/${_path}")
    message(FATAL_ERROR "${DEPS_${_name}_DIR}/${_path} is missing. Run `make setup` (deps/fetch) first.")
  endif()
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/pins.txt")

# Shared libraries appear in <build>/lib, where $ORIGIN/../lib finds them.
file(MAKE_DIRECTORY "${MARTLET_LIB_DIR}")
function(_deps_shared file)
  get_filename_component(_file_name "${file}" NAME)
  file(CREATE_LINK "${file}" "${MARTLET_LIB_DIR}/${_file_name}" SYMBOLIC)
endfunction()
_deps_shared("${DEPS_duckdb_DIR}/lib/libduckdb.so")
_deps_shared("${DEPS_lightgbm_DIR}/lib/lib_lightgbm.so")

# Only the header: the library is opened with dlopen when the first SQL engine is.
add_library(deps_duckdb INTERFACE)
add_library(deps::duckdb ALIAS deps_duckdb)
target_include_directories(deps_duckdb SYSTEM INTERFACE "${DEPS_duckdb_DIR}/include")
# Runs record it without loading the library.
target_compile_definitions(deps_duckdb INTERFACE "MARTLET_DUCKDB_VERSION=\"${DEPS_duckdb_VERSION}\"")

# Only the header: the library is opened with dlopen when a training process first needs it.
add_library(deps_lightgbm_headers INTERFACE)
add_library(deps::lightgbm_headers ALIAS deps_lightgbm_headers)
target_include_directories(deps_lightgbm_headers SYSTEM INTERFACE "${DEPS_lightgbm_DIR}/include")
# The library cannot tell its version; runs record the pinned one.
target_compile_definitions(deps_lightgbm_headers INTERFACE "MARTLET_LIGHTGBM_VERSION=\"${DEPS_lightgbm_VERSION}\"")

add_library(deps_sqlite3 STATIC "${DEPS_sqlite3_DIR}/sqlite3.c")
add_library(deps::sqlite3 ALIAS deps_sqlite3)
target_include_directories(deps_sqlite3 SYSTEM INTERFACE "${DEPS_sqlite3_DIR}")
target_compile_definitions(deps_sqlite3 PRIVATE
  HAVE_FDATASYNC=1                   # a commit syncs the log's bytes, not its times
  SQLITE_THREADSAFE=2                # connections are never shared between threads without our lock
  SQLITE_DQS=0                       # "name" is an identifier, never a string
  SQLITE_DEFAULT_SYNCHRONOUS=2       # a committed transaction survives loss of power
  SQLITE_DEFAULT_WAL_SYNCHRONOUS=2
  SQLITE_DEFAULT_FOREIGN_KEYS=1
  SQLITE_ENABLE_DBSTAT_VTAB
  SQLITE_ENABLE_API_ARMOR
  SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_MAX_EXPR_DEPTH=1000
  SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_LOAD_EXTENSION
  SQLITE_OMIT_SHARED_CACHE
  SQLITE_TEMP_STORE=2
  SQLITE_USE_URI=0)
target_compile_options(deps_sqlite3 PRIVATE -w)
target_link_libraries(deps_sqlite3 PRIVATE Threads::Threads ${CMAKE_DL_LIBS} m)
