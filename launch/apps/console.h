// What commands print, and where they may run.
#pragma once

#include <string>
#include <vector>

namespace zhiyin::launch::apps {

/// One line on standard error.
void PrintError(const std::string& line);
/// On standard output, at once.
void Print(const std::string& text);

/// Throws Error under mpirun, for what runs in one process: mpirun would run it once for every
/// rank.
void CheckStartedAlone(const std::string& what);

/// "2x3" to two numbers, servers and workers. Throws Error.
std::pair<int, int> ParseSimulate(const std::string& text);

std::vector<std::string> SplitAtCommas(const std::string& text);

}  // namespace zhiyin::launch::apps
