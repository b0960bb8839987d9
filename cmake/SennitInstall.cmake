# cmake --install: library, headers, program, find_package(sennit) and pkg-config.
