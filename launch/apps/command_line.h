// From argv to a command, its flags and its overrides.
#pragma once

#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct CommandLine {
  std::string command;                 // "" when there is none
  std::string operand;                 // the second word without a dash; "" when there is none
  std::vector<std::string> overrides;  // "path=value" of every --set, in order
  std::vector<std::string> rest;       // all arguments after --, not parsed
  bool help = false;     // --help, -h or help; `command` is the word beside it, if any
  bool version = false;  // --version
};

/// Sets the gflags that the arguments name: --name=value, --name value, --name and --noname for a
/// bool. --set may be repeated, which gflags cannot do. `arguments` are argv without the program's
/// name. Throws Error for an unknown flag (with the nearest of `own_flags`), a value of the wrong
/// type, or more than two words that are not flags.
CommandLine ParseCommandLine(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& own_flags);

}  // namespace zhiyin::launch::apps
