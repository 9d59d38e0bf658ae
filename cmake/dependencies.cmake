# What is used, all of it Debian's packages.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(LibArchive REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
find_path(TOMLPLUSPLUS toml++/toml.h REQUIRED)  # used as headers alone, so that nothing is added at run time
