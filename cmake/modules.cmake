# wl_module(base DEPENDS …): the folder of that name as the static library wl_base. A module sees only what it
# names, so the order of the folders in libcommon/CMakeLists.txt is the layering.
function(wl_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    add_library(wl_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(wl_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(wl_${name} PRIVATE ${ARG_PRIVATE})
  endif()
  target_include_directories(wl_${name} ${scope} ${PROJECT_SOURCE_DIR})
  target_link_libraries(wl_${name} ${scope} ${ARG_DEPENDS})
endfunction()

# wl_tool(netsniff DEPENDS …): the folder's work as the library netsniff_lib, which tests link, and main.cpp as the
# program. manual.txt, the prose of the man page, is embedded as wl::netsniff::kManual in the header
# "tools/netsniff/manual.h" of the build directory.
function(wl_tool name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(REMOVE_ITEM sources ${folder}/main.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(${name}_lib STATIC ${sources})
  target_include_directories(${name}_lib PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${name}_lib PUBLIC ${ARG_DEPENDS})
  set(header ${PROJECT_BINARY_DIR}/generated/tools/${name}/manual.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DINPUT=${folder}/manual.txt -DOUTPUT=${header}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${folder}/manual.txt ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  target_sources(${name}_lib PRIVATE ${header})
  add_executable(${name} ${name}/main.cpp)
  target_link_libraries(${name} PRIVATE ${name}_lib)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
