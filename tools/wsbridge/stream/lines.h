#pragma once
// A stream over plain HTTP.
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/stream/view.h"

namespace wl::wsbridge::stream {

/// NDJSON as it comes, the newest `history` records first; ends when the stream has ended.
[[nodiscard]] http::Response answer_lines(boost::asio::any_io_executor executor, std::shared_ptr<View> view,
                                          size_t history);

}  // namespace wl::wsbridge::stream
