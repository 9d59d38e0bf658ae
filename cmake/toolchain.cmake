# Warnings, sanitizers, and the speed-ups that are used where they are present and never required.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  add_compile_options(-Wno-deprecated-declarations)  # inside libstdc++ 12's own stable_sort
endif()

# libFuzzer needs its counters in every module, and its main() only in the fuzz targets.
if(WIRELINE_FUZZ AND NOT WIRELINE_SANITIZE)
  set(WIRELINE_SANITIZE address,undefined,fuzzer-no-link)
endif()
if(WIRELINE_SANITIZE)
  add_compile_options(-fsanitize=${WIRELINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WIRELINE_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
