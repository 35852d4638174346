// Documentation of the commands, made from the table of commands.
#pragma once

#include <string>

namespace zhiyin::launch::apps {

/// The list of all commands, each with its example and its help.
std::string Overview();
/// The help of one command with its flags. Throws Error if there is no such command.
std::string HelpOf(const std::string& command);
/// The reference page, docs/commands.md.
std::string CommandsPage();
/// A completion script for bash.
std::string BashCompletion();

}  // namespace zhiyin::launch::apps
