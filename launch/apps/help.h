// What people and shells read of the commands, made from the table of commands.
#pragma once

#include <string>

namespace zhiyin::launch::apps {

/// All commands, each with its example and its sentence.
std::string Overview();
/// One command with its own flags. Throws Error where there is no such command.
std::string HelpOf(const std::string& command);
/// The reference page, docs/commands.md.
std::string CommandsPage();
/// A completion script for bash.
std::string BashCompletion();

}  // namespace zhiyin::launch::apps
