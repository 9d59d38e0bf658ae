# cmake -DFILES=a.html;b.js -DOUTPUT=web_files.cpp -P embed_files.cmake: files of any bytes as the table
# wl::wsbridge::http::web_files(), see tools/wsbridge/http/files.h.
set(arrays "")
set(rows "")
set(number 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" size)
  math(EXPR size "${size} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND arrays "constexpr char kFile${number}[] = {${bytes}'\\0'};\n")
  string(APPEND rows "    {\"${name}\", {kFile${number}, ${size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include <array>

#include \"tools/wsbridge/http/files.h\"

namespace wl::wsbridge::http {
namespace {

${arrays}
constexpr std::array<WebFile, ${number}> kFiles{{
${rows}}};

}  // namespace

std::span<const WebFile> web_files() { return kFiles; }

}  // namespace wl::wsbridge::http
")
