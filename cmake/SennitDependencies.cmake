# Finds every dependency, or says once, for all that is missing, how to get it.

set(sennit_missing "")
macro(sennit_need what package)
  if(NOT (${ARGN}))
    list(APPEND sennit_missing "  ${what}   (Debian: ${package})")
  endif()
endmacro()

find_package(Threads REQUIRED)
find_package(Boost 1.81 QUIET COMPONENTS json url)
sennit_need("Boost 1.81 with JSON and URL" "libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev" Boost_FOUND)
find_package(CURL 7.80 QUIET)
sennit_need("libcurl" "libcurl4-openssl-dev" CURL_FOUND)
find_package(OpenSSL QUIET)
sennit_need("OpenSSL" "libssl-dev" OPENSSL_FOUND)
find_package(SQLite3 3.37 QUIET)
sennit_need("SQLite 3.37" "libsqlite3-dev" SQLite3_FOUND)
find_package(yaml-cpp QUIET)
sennit_need("yaml-cpp" "libyaml-cpp-dev" yaml-cpp_FOUND)
find_package(fmt QUIET)
sennit_need("fmt" "libfmt-dev" fmt_FOUND)
find_package(date QUIET)
sennit_need("date (time zones)" "libhowardhinnant-date-dev" date_FOUND)
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(re2 QUIET IMPORTED_TARGET re2)
  pkg_check_modules(seccomp QUIET IMPORTED_TARGET libseccomp)
  pkg_check_modules(gumbo QUIET IMPORTED_TARGET gumbo)
endif()
sennit_need("RE2" "libre2-dev pkg-config" re2_FOUND)
sennit_need("libseccomp" "libseccomp-dev" seccomp_FOUND)
sennit_need("gumbo" "libgumbo-dev" gumbo_FOUND)
if(SENNIT_BUILD_PROGRAM)
  find_package(CLI11 QUIET)
  sennit_need("CLI11" "libcli11-dev" CLI11_FOUND)
  find_path(EDITLINE_INCLUDE histedit.h)
  find_library(EDITLINE_LIBRARY edit)
  sennit_need("libedit" "libedit-dev" EDITLINE_INCLUDE AND EDITLINE_LIBRARY)
endif()
if(SENNIT_BUILD_TESTS)
  find_package(Catch2 3 QUIET)
  sennit_need("Catch2 3" "libcatch2-dev from bookworm-backports" Catch2_FOUND)
endif()

if(sennit_missing)
  list(JOIN sennit_missing "\n" sennit_missing_lines)
  message(FATAL_ERROR "Missing dependencies:\n${sennit_missing_lines}\n"
                      "On Debian, `cmake/install-dependencies` installs all of them.")
endif()

# Needed by whoever includes our headers.
add_library(sennit_public_dependencies INTERFACE)
target_link_libraries(sennit_public_dependencies INTERFACE Boost::headers Boost::json Boost::url Threads::Threads)
# Asio is compiled once, inside the library, instead of into every file that includes it.
target_compile_definitions(sennit_public_dependencies INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
                                                                BOOST_ASIO_NO_DEPRECATED)

# Needed by our sources alone.
add_library(sennit_private_dependencies INTERFACE)
target_link_libraries(sennit_private_dependencies INTERFACE CURL::libcurl OpenSSL::Crypto SQLite::SQLite3 yaml-cpp
                                                            fmt::fmt date::date-tz PkgConfig::re2 PkgConfig::seccomp
                                                            PkgConfig::gumbo)

if(SENNIT_BUILD_PROGRAM)
  add_library(sennit_program_dependencies INTERFACE)
  target_include_directories(sennit_program_dependencies SYSTEM INTERFACE "${EDITLINE_INCLUDE}")
  target_link_libraries(sennit_program_dependencies INTERFACE CLI11::CLI11 fmt::fmt "${EDITLINE_LIBRARY}")
endif()
