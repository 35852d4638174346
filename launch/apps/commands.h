// The table of commands. Usage, help, completion, the reference page and the check for flags that
// mean nothing to a command all come from it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "launch/apps/command_line.h"

namespace zhiyin::launch::apps {

struct Command {
  const char* name;
  const char* example;  // a command line, for people
  const char* help;     // one sentence without a full stop
  std::vector<std::string> flags;
  /// Returns the exit code. Throws Error. REQUIRES: no other flag is set.
  int (*run)(const CommandLine& line);
};

/// All commands, in the order in which help lists them.
std::span<const Command> Commands();

/// Checks that the command line has nothing that the command does not look at, and runs it. Throws
/// Error, with the nearest name where there is no such command.
int RunCommand(const CommandLine& line);

}  // namespace zhiyin::launch::apps
