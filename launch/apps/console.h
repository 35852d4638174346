// Helpers of commands: printing, checks of the environment, parsing of values.
#pragma once

#include <string>
#include <vector>

namespace zhiyin::launch::apps {

/// Prints one line on standard error.
void PrintError(const std::string& line);
/// Prints a line about something that the command does not end for, on standard error.
void PrintNote(const std::string& line);
/// Prints text on standard output and flushes it.
void Print(const std::string& text);

/// Throws Error under mpirun. Called by commands that run in one process: mpirun would run them
/// once for every rank. `what` names the command in the message.
void CheckStartedAlone(const std::string& what);

/// Parses the value of --simulate, "2x3", to the numbers of servers and workers. Throws Error on
/// other texts.
std::pair<int, int> ParseSimulate(const std::string& text);

/// Returns the parts of the text between commas.
std::vector<std::string> SplitAtCommas(const std::string& text);

}  // namespace zhiyin::launch::apps
