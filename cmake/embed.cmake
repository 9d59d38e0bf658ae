# cmake -DNAME=netsniff -DINPUT=manual.txt -DOUTPUT=manual.h -P embed.cmake: a text file as a string constant.
file(READ ${INPUT} text)
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#pragma once
#include <string_view>

namespace wl::@NAME@ {
inline constexpr std::string_view kManual = R"manual(@text@)manual";
}  // namespace wl::@NAME@
]])
