#pragma once
// What lies under the flags: the environment, and under that a TOML file.
#include <memory>
#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace wl::cli {

/// A bad value or key in the environment or the file: "x.toml:3: window: …".
class LayerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Declares --config, and makes `app`, when it parses, give every option that is not on the command line the
/// value of its variable WIRELINE_<LONG_NAME>, else that of the file: the one of --config or WIRELINE_CONFIG,
/// else $XDG_CONFIG_HOME/wireline/<tool>.toml, else /etc/wireline/<tool>.toml. Options that are not
/// configurable() are left alone. Keys of a verb stand in its [table]. The parse throws LayerError. Call it
/// after the options are declared.
void add_layers(CLI::App& app);

}  // namespace wl::cli
