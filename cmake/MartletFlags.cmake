# Compiler and linker settings of every target. They are global on purpose: all targets share one precompiled header,
# which the compiler only accepts when it was made with the same flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# One level below the build folder, each: so the same rpath finds build/lib from all of them, and from a moved bundle.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/archives")
set(MARTLET_LIB_DIR "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")

# -O2 with line tables: a crash report names file and line, and linking stays quick.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

# Numbers must be the same bits in every build: no fused multiply-add behind our back, no machine-dependent code.
add_compile_options(-ffp-contract=off -fno-math-errno)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=x86-64-v2)
endif()
# -fPIE by hand and not through POSITION_INDEPENDENT_CODE, which would give libraries -fPIC and so a second header.
add_compile_options(-fPIE -fno-plt)
add_link_options(-pie)
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-D_GLIBCXX_ASSERTIONS>)

if(MARTLET_HARDEN)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()
if(MARTLET_SANITIZE)
  add_compile_options(-fsanitize=${MARTLET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MARTLET_SANITIZE})
endif()
if(MARTLET_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MARTLET_FUZZ needs clang: configure with the preset `fuzz`")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(MARTLET_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

# Warnings apply to our own targets only (martlet_module, martlet_program), not to what deps/ compiles.
set(MARTLET_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wvla)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 reports std::string concatenation as overlapping copies (GCC bug 105651); later compilers keep the warnings.
  list(APPEND MARTLET_WARNINGS -Wno-restrict -Wno-array-bounds)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # std::stable_sort of GCC 12's library calls std::get_temporary_buffer, which clang reports where we sort. GCC, which builds all
  # the rest, keeps the warning.
  list(APPEND MARTLET_WARNINGS -Wno-deprecated-declarations)
endif()
if(MARTLET_WERROR)
  list(APPEND MARTLET_WARNINGS -Werror)
endif()

find_program(MARTLET_MOLD mold)
if(MARTLET_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--as-needed)

# The cache is shared by all build folders of all checkouts: what lies in a checkout is hashed relative to its build
# folder, and the precompiled header by its contents, which is why it is named without a path in MartletModule.cmake.
find_program(MARTLET_CCACHE ccache)
if(MARTLET_CCACHE)
  set(_launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${MARTLET_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${_launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${_launcher}")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)  # ccache needs it to see through the header
endif()

find_package(Threads REQUIRED)
