# One imported target deps::<name> per third-party library. Configuring never fetches: what the distribution does not
# carry lies in MARTLET_DEPS_CACHE, put there by deps/fetch. deps/owners.toml says which module may include what.
include("${CMAKE_CURRENT_LIST_DIR}/system.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/fetched.cmake")
