// The table of commands. Usage, help, completion, the reference page and the check for flags that a
// command does not use are made from it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "launch/apps/command_line.h"

namespace zhiyin::launch::apps {

struct Command {
  const char* name;
  const char* example;  // a command line
  const char* help;     // one sentence without a full stop
  std::vector<std::string> flags;
  /// Returns the exit code. Throws Error. REQUIRES: no other flag is set.
  int (*run)(const CommandLine& line);
};

/// All commands, in the order in which help lists them.
std::span<const Command> Commands();

/// Checks that the command uses all that is on the command line, and runs it. Returns its exit
/// code. Throws Error if it does not, and, with the nearest name, if there is no such command.
int RunCommand(const CommandLine& line);

}  // namespace zhiyin::launch::apps
