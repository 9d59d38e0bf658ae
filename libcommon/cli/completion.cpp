// Completions for bash, zsh and fish.
#include "libcommon/cli/reference.h"

namespace wl::cli {
namespace {

constexpr std::string_view kHead = "# Made by \"make docs\" from the option declarations: do not edit.\n";

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

template <class Visit>
void each_option(const Command& command, const Visit& visit) {
  for (const OptionGroup& group : command.groups) {
    for (const OptionEntry& option : group.options) visit(option);
  }
}

/// `text` between single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// --- bash ---

std::string bash_values(const OptionEntry& option) {
  switch (value_kind(option)) {
    case ValueKind::words: return "COMPREPLY=($(compgen -W '" + joined(option.words, " ") + "' -- \"$cur\"))";
    case ValueKind::file: return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    case ValueKind::directory: return "COMPREPLY=($(compgen -d -- \"$cur\"))";
    case ValueKind::interface: return "COMPREPLY=($(compgen -W \"$(ls /sys/class/net)\" -- \"$cur\"))";
    case ValueKind::other: break;
  }
  return "COMPREPLY=()";
}

/// The cases of one command: behind an option its values, else options and verbs.
std::string bash_command(const Command& command, const std::string& indent) {
  std::string words;
  std::string cases;
  each_option(command, [&](const OptionEntry& option) {
    for (const std::string& name : option.names) words += (words.empty() ? "" : " ") + name;
    if (option.value.empty()) return;
    cases += indent + "  " + joined(option.names, "|") + ") " + bash_values(option) + "; return ;;\n";
  });
  for (const Command& verb : command.verbs) words += " " + verb.name;
  std::string out = indent + "case $prev in\n" + cases + indent + "esac\n";
  return out + indent + "COMPREPLY=($(compgen -W '" + words + "' -- \"$cur\"))\n";
}

// --- zsh ---

/// Text inside an _arguments specification: brackets and colons are its own.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(const OptionEntry& option) {
  std::string message = ":" + zsh_text(option.words.empty() ? option.value : "value") + ":";
  switch (value_kind(option)) {
    case ValueKind::words: return message + "(" + joined(option.words, " ") + ")";
    case ValueKind::file: return message + "_files";
    case ValueKind::directory: return message + "_files -/";
    case ValueKind::interface: return message + "_net_interfaces";
    case ValueKind::other: break;
  }
  return message;
}

std::string zsh_arguments(const Command& command, const std::string& indent) {
  std::string out = indent + "_arguments -s";
  each_option(command, [&](const OptionEntry& option) {
    for (const std::string& name : option.names) {
      std::string spec = option.repeatable ? "*" : "(" + joined(option.names, " ") + ")";
      spec += name;
      if (!option.value.empty() && name.starts_with("--")) spec += option.value_optional ? "=-" : "=";
      spec += "[" + zsh_text(option.text) + "]";
      if (!option.value.empty()) spec += (option.value_optional ? ":" : "") + zsh_values(option);
      out += " \\\n" + indent + "  " + in_quotes(spec);
    }
  });
  return out + " \\\n" + indent + "  '*:file:_files'\n";
}

// --- fish ---

std::string fish_values(const OptionEntry& option) {
  if (option.value.empty()) return "";
  const std::string needs = option.value_optional ? "" : " -r";
  switch (value_kind(option)) {
    case ValueKind::words: return needs + " -f -a " + in_quotes(joined(option.words, " "));
    case ValueKind::file: return needs + " -F";
    case ValueKind::directory: return needs + " -f -a '(__fish_complete_directories)'";
    case ValueKind::interface: return needs + " -f -a '(ls /sys/class/net)'";
    case ValueKind::other: break;
  }
  return needs + " -f";
}

std::string fish_options(const Command& command, const std::string& start) {
  std::string out;
  each_option(command, [&](const OptionEntry& option) {
    out += start;
    for (const std::string& name : option.names) {
      out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    out += fish_values(option) + " -d " + in_quotes(option.text) + "\n";
  });
  return out;
}

}  // namespace

std::string bash_completion(const Command& command) {
  const std::string& name = command.name;
  std::string out(kHead);
  out +=
      "_" + name +
      "() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' word\n"
      "  # --option=value arrives as three words\n"
      "  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n";
  if (!command.verbs.empty()) {
    std::vector<std::string> verbs;
    for (const Command& verb : command.verbs) verbs.push_back(verb.name);
    out += "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in " + joined(verbs, "|") +
           ") verb=$word; break ;; esac\n  done\n  case $verb in\n";
    for (const Command& verb : command.verbs) {
      out += "    " + verb.name + ")\n" + bash_command(verb, "      ") + "      return ;;\n";
    }
    out += "  esac\n";
  }
  return out + bash_command(command, "  ") + "}\ncomplete -o default -F _" + name + " " + name + "\n";
}

std::string zsh_completion(const Command& command) {
  std::string out = "#compdef " + command.name + "\n" + std::string(kHead);
  if (!command.verbs.empty()) {
    out += "case $words[2] in\n";
    for (const Command& verb : command.verbs) {
      out += "  " + verb.name + ")\n    shift words; (( CURRENT-- ))\n" + zsh_arguments(verb, "    ") +
             "    return ;;\n";
    }
    out += "esac\n";
    std::string verbs;
    for (const Command& verb : command.verbs) verbs += " " + verb.name;
    out += "(( CURRENT == 2 )) && compadd --" + verbs + "\n";
  }
  return out + zsh_arguments(command, "");
}

std::string fish_completion(const Command& command) {
  const std::string start = "complete -c " + command.name;
  std::string out = std::string(kHead) + fish_options(command, start);
  for (const Command& verb : command.verbs) {
    out += start + " -n __fish_use_subcommand -f -a " + verb.name + " -d " + in_quotes(verb.summary) + "\n";
    out += fish_options(verb, start + " -n '__fish_seen_subcommand_from " + verb.name + "'");
  }
  return out;
}

}  // namespace wl::cli
