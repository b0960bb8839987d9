# cmake --install: library, program, headers, find_package(sennit) and pkg-config.
#
# Two export sets, because they ask different things of a consumer's machine: the shared library needs Boost's headers,
# the static one also everything that we link.

set(sennit_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sennit")
set_target_properties(sennit_public_dependencies PROPERTIES EXPORT_NAME public_dependencies)
set_target_properties(sennit_private_dependencies PROPERTIES EXPORT_NAME private_dependencies)

install(TARGETS sennit_shared sennit_public_dependencies EXPORT sennitSharedTargets)
install(TARGETS sennit sennit_private_dependencies EXPORT sennitStaticTargets)
foreach(set IN ITEMS Shared Static)
  install(EXPORT sennit${set}Targets NAMESPACE sennit:: DESTINATION "${sennit_cmake_dir}")
endforeach()
if(SENNIT_BUILD_PROGRAM)
  install(TARGETS sennit_program)
endif()
if(TARGET sennit_llama)
  install(TARGETS sennit_llama LIBRARY DESTINATION lib/sennit)  # llama_library.hpp looks there, from bin/ and from lib/
endif()

# A header whose first line says "Private:" is between our own sources, and stays at home.
list(TRANSFORM sennit_floors APPEND "/*.hpp" OUTPUT_VARIABLE sennit_header_globs)
file(GLOB_RECURSE sennit_headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" ${sennit_header_globs})
foreach(header IN LISTS sennit_headers)
  file(STRINGS "${header}" first_line LIMIT_COUNT 1)
  if(NOT first_line MATCHES "^// Private:")
    get_filename_component(folder "${header}" DIRECTORY)
    install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/sennit/${folder}")
  endif()
endforeach()

configure_package_config_file(cmake/sennitConfig.cmake.in sennitConfig.cmake INSTALL_DESTINATION "${sennit_cmake_dir}")
write_basic_package_version_file(sennitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sennitConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/sennitConfigVersion.cmake"
        DESTINATION "${sennit_cmake_dir}")

file(RELATIVE_PATH sennit_pc_to_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" sennit_pc_to_prefix "${sennit_pc_to_prefix}")
configure_file(cmake/sennit.pc.in sennit.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sennit.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
